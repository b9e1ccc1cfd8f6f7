local mt = {}
mt.__idiv = function(a, b) return "idiv" end
mt.__mod = function(a, b) return "mod" end
local t = setmetatable({}, mt)
print(t // 1, 1 // t, t // t, t % 1, 1 % t, "x" // t, "x" % t)
local n = 3
print(n % t, t % n)
