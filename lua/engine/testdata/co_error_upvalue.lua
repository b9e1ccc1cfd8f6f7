local a = 1
local function get() return a end
local co = coroutine.create(function() local b = 2 a = a + b pcall(error) b = b + 1 a = a + b error("x") end)
print(coroutine.resume(co)) a = a + 1 print(get(), a)
local saved
co = coroutine.create(function() local v = 1 saved = function() v = v + 1 return v end coroutine.yield() error("e") end)
coroutine.resume(co) print(saved()) coroutine.resume(co) print(saved(), saved())
