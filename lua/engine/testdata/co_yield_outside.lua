print(pcall(coroutine.yield, 1))
print(pcall(function() coroutine.yield() end))
coroutine.yield("x")
