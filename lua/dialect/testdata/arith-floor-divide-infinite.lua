local x = 0.5 // 0
print(x == math.huge, -x == -math.huge)
local nan = math.huge // math.huge
print(nan ~= nan)
