local fs = {}
for i = 1, 3 do fs[i] = function() i = i + 1 return i end end
print(fs[1](), fs[1](), fs[2](), fs[3]())
local k = 0
while k < 2 do k = k + 1 local j = k fs[k] = function() j = j + 10 return j end end
print(fs[1](), fs[2](), fs[1]())
k = 0
repeat local j = k fs[k + 1] = function() j = j + 5 return j end k = k + 1 until j >= 1
print(fs[1](), fs[2](), fs[1]())
