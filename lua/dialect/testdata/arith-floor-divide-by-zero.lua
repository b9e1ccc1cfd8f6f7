local zero = 0
print(pcall(function() return 1 // zero end))
print(select(2, pcall(function() return -3 // 0 end)))
