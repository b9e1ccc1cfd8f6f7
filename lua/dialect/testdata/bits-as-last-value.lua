local function f() return 12 & 10 end
local function g(...) return select("#", ...), ... end
print(f())
print(g(6 | 1))
print(({5 // 2, 7 & 3})[2])
