local co = coroutine.wrap(function(a)
  while true do a = coroutine.yield(a // 3, a & 7) end
end)
print(co(20)) print(co(9)) print(co(255))
