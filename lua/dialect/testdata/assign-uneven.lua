local a, b, c = 1
print(a, b, c)
local function f() return 1, 2, 3 end
a, b, c = f()
print(a, b, c)
a, b, c = 0, f()
print(a, b, c)
a, b, c = f(), 10
print(a, b, c)
a, b = f(), f(), f()
print(a, b)
a = f(), print("evaluated")
print(a)
