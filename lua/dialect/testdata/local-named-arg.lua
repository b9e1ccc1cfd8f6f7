local function f(arg, ...) return arg, select("#", ...) end
print(f(1, 2, 3))
local arg = "outer"
local function g(...) return arg, ... end
print(g(5))
local function h(...) local arg = {...} return #arg end
print(h(1, 2))
for arg = 1, 2 do print((function(...) return arg end)()) end
