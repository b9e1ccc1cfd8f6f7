local function f(...) local x = (...) return x, (...) end
print(f(1, 2, 3))
local function g(...) return (select("#", ...)), (select(2, ...)) end
print(g("a", "b", "c"))
