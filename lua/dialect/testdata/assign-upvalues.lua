local a, b = 1, 2
local function swap() a, b = b, a end
swap()
print(a, b)
local function rotate(t) t[1], t[2], t[3] = t[2], t[3], t[1] return t end
print(table.concat(rotate({1, 2, 3}), " "))
