print(~0, ~1, ~-1, ~0xFF, ~~5, - ~5, ~-5)
local x = 12
print(~x, ~x & 0xFF)
