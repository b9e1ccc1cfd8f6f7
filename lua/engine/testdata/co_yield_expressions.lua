local co = coroutine.wrap(function()
  local t = {a = coroutine.yield("a")}
  t[coroutine.yield("k")] = coroutine.yield("v")
  if coroutine.yield("cond") then t.c = coroutine.yield(1) .. coroutine.yield(2) end
  local s = coroutine.yield(3) + coroutine.yield(4)
  while coroutine.yield("loop") do s = s + 1 end
  repeat s = s * 2 until coroutine.yield("until")
  return t, s, (coroutine.yield("last"))
end)
co() co(1) co("key") co("val") co(true) co("x") co("y") co(5) co(6) co(true) co(true) co(false) co(false) co(true)
local t, s, l = co("L", "M") print(t.a, t.key, t.c, s, l)
