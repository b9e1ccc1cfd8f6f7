local t = setmetatable({}, {__name = "my.type"})
print(t & 1)
