local t = {}
local function try(f, ...) print(select(2, pcall(f, ...))) end
try(function() local a; return "x" .. a end)
try(function() local a; return a .. "x" end)
try(function() return "x" .. t.y .. "z" end)
try(function() return "x" .. undefinedglobal end)
try(function() return t .. "x" end)
try(function() return "a" .. {} end)
try(function() return "a" .. true end)
try(function() return 1 .. print end)
