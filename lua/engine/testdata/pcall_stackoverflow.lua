local function f() return 1 + f() end
local ok, e = pcall(f)
print(ok, e)
local function g() local t = {} return (g()) end
print(pcall(g))
print(pcall(string.rep, "x", 3))
local depth = 0
local function h() depth = depth + 1 h() end
print((pcall(h)), depth > 150)
local t = setmetatable({}, {})
getmetatable(t).__index = function(t, k) return t[k + 1] end
print((pcall(function() return t[1] end)))
