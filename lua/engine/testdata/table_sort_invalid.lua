print(pcall(table.sort, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, function(a, b) return true end))
print((pcall(table.sort, {3, 2, 1}, function(a, b) return true end)))
local t = {} for i = 1, 100 do t[i] = i % 7 end
print(pcall(table.sort, t, function(a, b) return a <= b end))
print((pcall(table.sort, t, function(a, b) return false end)))
local flip = false print((pcall(table.sort, {5, 4, 3, 2, 1, 6, 7, 8}, function() flip = not flip return flip end)) ~= nil)
