local n = 0
repeat local done = n >= 2 n = n + 1 until done
print(n)
repeat local x = 5 local f = function() return x end until f() == 5
local i = 0
repeat i = i + 1 until not (i < 3)
print(i)
