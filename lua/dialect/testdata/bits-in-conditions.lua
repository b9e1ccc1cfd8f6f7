local flags = 6
if flags & 2 ~= 0 then print("two") end
if flags & 1 == 0 then print("not one") end
while flags & 4 ~= 0 do flags = flags ~ 4 end
print(flags)
