local x = 1
do local x = 2 do local x = 3 print(x) end print(x) end
if true then local x = 4 print(x) else local x = 5 end
while x == 1 do local x = 9 print(x) break end
print(x)
