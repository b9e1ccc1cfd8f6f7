local _, __, _1, aZ09 = 1, 2, 3, 4
print(_, __, _1, aZ09)
local self, const, close = 1, 2, 3
print(self, const, close)
