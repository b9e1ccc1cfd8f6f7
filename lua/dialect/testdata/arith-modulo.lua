print(7 % 3, -7 % 3, 7 % -3, -7 % -3, 6 % 3, -6 % 3)
local a, b = 7, 3
print(a % b, -a % b, a % -b, -a % -b)
for i = -5, 5 do io.write(i % 4, " ", i % -4, " ") end
print()
