local t = setmetatable({}, {__idiv = function() error("inside", 0) end})
print(pcall(function() return t // 1 end))
