local function f(a, b) b = b // 2 a, b = b & 3, a | 8 return a, b end
print(f(5, 14))
local function g(p) p = (p << 1) return p end
print(g(4))
