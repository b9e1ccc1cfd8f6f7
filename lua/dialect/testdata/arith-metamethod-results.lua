local t = setmetatable({}, {__idiv = function(a, b) return 1, 2, 3 end, __band = function() end})
print((t // 1))
print(t // 1)
print(t & 1)
local r = {t // 1}
print(#r)
local a, b = t // 1
print(a, b)
