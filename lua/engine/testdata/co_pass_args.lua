local co = coroutine.wrap(function(...)
  local args = {...}
  while true do args = {coroutine.yield(#args, table.unpack(args))} end
end)
print(co()) print(co(1)) print(co(1, 2)) print(co("a", "b", "c"))
local t = {coroutine.wrap(function() return coroutine.yield(1), coroutine.yield(2) end)}
local f = t[1] print(f()) print(f("x")) print(f("y"))
local g = coroutine.wrap(function() return {coroutine.yield(1), coroutine.yield(2), coroutine.yield(3)} end)
g() g(10, 11) g(20, 21) local r = g(30, 31) print(#r, r[1], r[2], r[3], r[4])
