local t = {}
local function try(f, ...) print(select(2, pcall(f, ...))) end
try(function() local a; return a + 1 end)
try(function() local a; return 1 + a end)
try(function() return t.x + 1 end)
try(function() return t.x * t.y end)
try(function() return undefinedglobal - 1 end)
try(function() return t + 1 end)
try(function() return 2 / {} end)
try(function() return -t end)
try(function() return -undefinedglobal end)
try(function() local a = "abc"; return a ^ 2 end)
try(function() return true + 1 end)
try(function(n) return n.count + 1 end, {})
