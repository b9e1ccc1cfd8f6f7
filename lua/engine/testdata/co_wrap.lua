local gen = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i, i * i) end end)
print(gen()) print(gen()) print(gen()) print(gen())
print(pcall(gen))
for v in coroutine.wrap(function() for i = 1, 4 do coroutine.yield(i) end end) do io.write(v, " ") end
print()
local w = coroutine.wrap(function(...) return select('#', ...), ... end)
print(w(1, nil, 3))
