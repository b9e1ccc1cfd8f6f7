local t = {1, 2; 3, x = 1, ["y z"] = 2, [10] = "ten", [1.5] = "f", [-1] = "neg", [true] = "t"}
print(t[3], t.x, t["y z"], t[10], t[1.5], t[-1], t[true])
local function f() return 1, 2, 3 end
print(#{f()}, #{f(), f()}, #{(f())}, #{f(), nil}, #{x = f()}, #{[1] = f()})
print(#{...}, #{1, 2, ...})
local n = {{1, {2}}, {a = {b = {c = 3}}}}
print(n[1][2][1], n[2].a.b.c)
local k = {k = 1, k = 2}
print(k.k)
