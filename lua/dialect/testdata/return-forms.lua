local function f() return end
local function g() return; end
local function h() return nil end
local function i() do return 1, 2 end end
local function j() return (i()) end
print(select("#", f()), select("#", g()), select("#", h()), select("#", i()), select("#", j()))
