for i = 1, 3 do io.write(i, " ") end
for i = 3, 1, -1 do io.write(i, " ") end
for i = 1, 0 do io.write("never") end
for i = 1, 10, 4 do io.write(i, " ") end
for i = -3, 3, 3 do io.write(i, " ") end
for i = 5, 5 do io.write(i, " ") end
print()
local n = 0
for i = 1, math.huge do n = n + 1 if i == 4 then break end end
print(n)
