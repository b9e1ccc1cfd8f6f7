local function g(p) p = p and (p + 1) or "nil" return p end
print(g(1), g(nil), g(false))
local function h(a, p) p = p or a p = (a and p) return p end
print(h(1, 2), h(3), h(nil, 4))
