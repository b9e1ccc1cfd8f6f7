local a, b = 1, 2
local lt, le, gt, ge, eq, ne = a < b, a <= b, a > b, a >= b, a == b, a ~= b
print(lt, le, gt, ge, eq, ne)
print((a < b) == true, (a < b and b < 3), (a > b or b > 3))
print(a < b and "yes" or "no", (a == b) == (b == a))
