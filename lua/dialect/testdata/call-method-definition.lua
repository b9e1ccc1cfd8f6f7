local obj = {n = 0}
function obj:add(k) self.n = self.n + k return self end
function obj.get(self) return self.n end
obj.sub = {}
function obj.sub:name() return "sub" end
print(obj:add(1):add(2):get(), obj.sub:name())
function obj:self(self) return self end
print(obj:self(9))
