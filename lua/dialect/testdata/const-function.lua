local fact <const> = function(n) return n end
print(fact(3))
local t <const> = {}
t.a = 1
t.b, t.c = 2, 3
print(t.a, t.b, t.c)
function t.f() return "f" end
print(t.f())
