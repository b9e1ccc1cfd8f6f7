print("a" .. "b" .. "c", 1 .. "", "x" .. 1 .. 2)
local a, b = "p", "q"
print(a .. b .. (a .. b) .. (b .. (a .. "!")))
local t = setmetatable({}, {__concat = function(x, y) return "<" .. type(x) .. type(y) .. ">" end})
print(t .. 1, 1 .. t, "a" .. "b" .. t, t .. "a" .. "b", (t .. "a") .. "b")
