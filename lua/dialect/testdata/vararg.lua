local function f(...) return ... end
print(f(), f(1), f(1, 2), (f(1, 2)))
local function g(...) local a, b = ... return a, b, select("#", ...) end
print(g(1, nil, nil))
local function h(...) return {...}, {..., "last"}, {"first", ...} end
local a, b, c = h(1, 2, 3)
print(#a, #b, #c, b[1], b[2])
print((function(...) return select("#", ...) end)(nil, nil))
