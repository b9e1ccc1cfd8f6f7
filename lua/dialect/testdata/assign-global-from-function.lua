local function set() x, y = 1, 2 x, y = y, x return x, y end
print(set())
print(x, y)
