for i = 1, 3 do local j = i i = 10 io.write(i, ":", j, " ") end
print()
for i = 1, 2 do for i = 5, 6 do io.write(i, " ") end end
print()
