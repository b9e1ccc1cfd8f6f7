local it = setmetatable({n = 0}, {__call = function(self) self.n = self.n + 1 if self.n < 4 then return self.n end end})
for i in it do io.write(i, " ") end
print()
