local function near(x, y) return x == y end
print(near(5.5 % 2, 1.5), near(-5.5 % 2, 0.5), near(5.5 % -2, -0.5))
local d = 0.25
print(1 % d == 0, 1.125 % d == 0.125)
