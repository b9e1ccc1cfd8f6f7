local x <const> = 5
local y <const>, z = 6, 7
z = z + x
print(x, y, z)
do local x = 1 x = x + 1 print(x) end
local function f() return x + y end
print(f())
