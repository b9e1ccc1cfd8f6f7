function outer() local function inner() return "inner" end return inner end
print(outer()())
function t() return 1 end
print(t())
local lf
function lf() return lf ~= nil end
print(lf())
