local zero = 0
print(select(2, pcall(function() return 1 % zero end)))
print(select(2, pcall(function() return 1 % 0 end)))
local x = 5.5 % zero
print(x ~= x)
