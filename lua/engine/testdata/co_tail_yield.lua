local co = coroutine.create(function(...) return coroutine.yield(...) end)
print(coroutine.resume(co, 1, 2)) print(coroutine.resume(co, 3, nil)) print(coroutine.status(co))
co = coroutine.create(coroutine.yield)
print(coroutine.resume(co, "a")) print(coroutine.resume(co, "b", "c")) print(coroutine.status(co))
local function inner() return coroutine.yield("t") end
co = coroutine.wrap(function() local a, b, c = inner() print(a, b, c) return (inner()) end)
print(co()) print(co(1, 2)) print(co(7, 8))
