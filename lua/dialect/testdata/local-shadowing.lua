local x = 1
local x = x + 1
local x = function() return x end
print(x())
do local x = 10 print(x) end
print(x())
local function f(x) local x = x * 2 return x end
print(f(4))
