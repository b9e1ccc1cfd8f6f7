local get
local co = coroutine.create(function() local v = "kept" get = function() return v end coroutine.yield() end)
coroutine.resume(co) print(coroutine.close(co)) print(get())
co = coroutine.create(function() pcall(function() local v = "inner" get = function() return v end coroutine.yield() end) end)
coroutine.resume(co) print(coroutine.close(co)) print(get())
