local function id(x) return x, "extra" end
local function g(p) p = (id(p)) return p end
print(g(5))
local function h(p) local q p, q = (id(p)), 2 return p, q end
print(h(6))
local function k(p, ...) p = (...) return p end
print(k(1, 2, 3))
