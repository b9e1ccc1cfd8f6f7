local n = 0
for x = 1, 2, 0.25 do n = n + x * 4 end
print(n == 30)
for x = 0.5, 2 do io.write(x * 2 == 1 and "a" or "b", " ") end
print()
