local t = {}
local u = t
t.x, t = 5, {y = 6}
print(u.x, t.x, t.y)
g = 1
local v = 2
g, t.y = v, v + 1
print(g, t.y)
t.y, g = v, v + 10
print(t.y, g)
