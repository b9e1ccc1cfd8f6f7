local function f() return error("tail") end
print(pcall(f))
local function g(x) return f(x) end
print(pcall(g))
local function h() return pcall(error, "inner") end
print(h())
local function count(n) if n == 0 then return "done" end return count(n - 1) end
print(pcall(count, 100000))
