print(pcall(function() error("one") end))
print(pcall(function() error("one", 1) end))
print(pcall(function() error("zero", 0) end))
print(pcall(function() error("two", 2) end))
local function thrower(l) error("lvl", l) end
local function caller(l) thrower(l) end
for l = 0, 5 do
print(pcall(caller, l))
end
print(pcall(error, "direct", 1))
print(pcall(error, "direct", 2))
print(pcall(error, "direct", 3))
print(pcall(function() error({}) end) == false)
