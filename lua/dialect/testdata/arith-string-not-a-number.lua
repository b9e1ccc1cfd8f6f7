local s = "ten"
print(pcall(function() return s // 1 end) == false)
print(pcall(function() return 1 % s end) == false)
