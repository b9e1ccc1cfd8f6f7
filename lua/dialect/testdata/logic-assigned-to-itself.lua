local function f(x) return x end
local v = 1
v = f(false) and 2
print(v)
v = 1
v = f(nil) and v or f(3)
print(v)
v = f(false) or f(nil) and v
print(v)
v = v and v.x or "none"
print(v)
