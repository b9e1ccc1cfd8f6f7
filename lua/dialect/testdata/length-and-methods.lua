local t = setmetatable({}, {__len = function() return 7 end, __unm = function() return "neg" end})
print(#t, -t, #t + 1)
