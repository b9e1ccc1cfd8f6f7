local handler = setmetatable({}, {__call = function(self, a, b) return "called with " .. type(a) .. " and " .. type(b) end})
local t = setmetatable({}, {__idiv = handler, __bor = handler})
print(t // 2, t | 4)
