local function f() return "a", "b" end
local t = {1, 2, k = f()}
print(#t, t[3], t.k)
t = {1, ["k"] = f()}
print(#t, t[2], t.k)
local function g(...) return {1, k = ...} end
t = g("x", "y")
print(#t, t[2], t.k)
t = {k = f(), 1}
print(#t, t.k)
t = {k = f(), l = f()}
print(#t, t.k, t.l)
