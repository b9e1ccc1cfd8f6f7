local function named(n) return setmetatable({}, {__idiv = function(a, b) return n end, __mod = function(a, b) return n .. "%" end}) end
local a, b = named("a"), named("b")
print(a // b, b // a, a % b, b % a)
