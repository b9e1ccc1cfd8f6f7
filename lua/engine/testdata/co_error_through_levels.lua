local function a() error("from a", 2) end local function b() a() end
local co = coroutine.create(b) print(coroutine.resume(co)) print(coroutine.resume(coroutine.create(function() b() end)))
local w = coroutine.wrap(function() local w2 = coroutine.wrap(function() error("deep") end) w2() end) print(pcall(w)) print(pcall(function() local w3 = coroutine.wrap(function() coroutine.yield() error("level 2", 2) end) w3() w3() end)) print(pcall(coroutine.wrap(function() return pcall(error, "caught", 0) end)))
print(coroutine.resume(coroutine.create(function() error("zero", 0) end))) print(coroutine.resume(coroutine.create(function() error(setmetatable({}, {__tostring = function() return "obj" end})) end)))
