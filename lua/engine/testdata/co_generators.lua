local function range(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i) end end) end
local function filter(p, g) return coroutine.wrap(function() for x in g do if p(x) then coroutine.yield(x) end end end) end
local function map(f, g) return coroutine.wrap(function() for x in g do coroutine.yield(f(x)) end end) end
for x in map(function(x) return x * x end, filter(function(x) return x % 2 == 1 end, range(9))) do io.write(x, " ") end print()
local function tree(t) if t then tree(t.l) coroutine.yield(t.v) tree(t.r) end end local t = {v = 4, l = {v = 2, l = {v = 1}, r = {v = 3}}, r = {v = 6, l = {v = 5}}} for v in coroutine.wrap(function() tree(t) end) do io.write(v, " ") end print()
local a, b = coroutine.wrap(function() tree(t) end), coroutine.wrap(function() tree(t) end) local same = true repeat local x, y = a(), b() same = same and x == y until not x print(same)
