local a
local function use() return a end
pcall(error, 'x')
a = 1
print(use())
