local function kind(e) return (tostring(e):gsub("^.*stack overflow.*$", "stack overflow")) end
local function viagsub(s) return (s:gsub(".", viagsub)) end
local function g(s) return (string.gsub("x", "x", g)) end print(kind(select(2, pcall(g, "x"))))
local function srt() table.sort({2, 1}, srt) end print(kind(select(2, pcall(srt))))
local t = setmetatable({}, {__tostring = function(t) return tostring(t) end}) print(kind(select(2, pcall(tostring, t))))
local u = setmetatable({}, {}) getmetatable(u).__index = function(_, k) return u[k] end print(kind(select(2, pcall(function() return u.x end))))
local c = setmetatable({}, {}) getmetatable(c).__call = function(self) return 1 + self() end print(kind(select(2, pcall(c))))
local a = setmetatable({}, {}) getmetatable(a).__add = function(x, y) return x + y end print(kind(select(2, pcall(function() return a + 1 end))))
local k = setmetatable({}, {}) getmetatable(k).__concat = function(x, y) return x .. y end print(kind(select(2, pcall(function() return k .. "x" end))))
local e = setmetatable({}, {__eq = function(x, y) return x == y end}) local e2 = setmetatable({}, getmetatable(e)) print(kind(select(2, pcall(function() return e == e2 end))))
local l = setmetatable({}, {__len = function(x) return #x end}) print(kind(select(2, pcall(function() return #l end))))
local n = setmetatable({}, {}) getmetatable(n).__newindex = function(t, k, v) t[k] = v end print(kind(select(2, pcall(function() n.x = 1 end))))
local p = setmetatable({}, {__pairs = function(t) return pairs(t) end}) print(kind(select(2, pcall(pairs, p))))
local function rq(n) return load("return ...")(rq(n)) end print(kind(select(2, pcall(rq, 1))))
