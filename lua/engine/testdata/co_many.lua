local sum = 0
for i = 1, 2000 do
  local co = coroutine.wrap(function(a) local b = coroutine.yield(a) return a + b end)
  co(i) sum = sum + co(1)
end
print(sum)
local live = {}
for i = 1, 200 do live[i] = coroutine.create(function() local n = i while true do n = n + coroutine.yield(n) end end) end
for r = 1, 3 do for i = 1, 200 do local _, v = coroutine.resume(live[i], r) sum = sum + v end end
print(sum)
