local a, b = 1, 2
a, b = b, a
print(a, b)
a, b = a + b, a - b
print(a, b)
local x, y, z = 1, 2, 3
x, y, z = z, x, y
print(x, y, z)
g, h = 1, 2
g, h = h, g
print(g, h)
