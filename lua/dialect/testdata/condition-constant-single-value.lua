local function two() return 1, 2 end
print((true and two()))
print(true and two())
print(false or two())
local t = {nil or two()}
print(#t)
local a, b = true and two()
print(a, b)
