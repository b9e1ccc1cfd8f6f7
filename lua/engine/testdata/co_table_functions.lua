local co = coroutine.wrap(function() for k, v in pairs({10, 20}) do coroutine.yield(k, v) end for i, v in ipairs{"x"} do coroutine.yield(i, v) end for i = 1, 2 do coroutine.yield(i) end end)
for i = 1, 5 do print(co()) end
print(pcall(function() return table.sort({3, 2, 1}, function(a, b) return coroutine.yield() end) end))
print(coroutine.wrap(function() return pcall(table.sort, {3, 2, 1}, function(a, b) coroutine.yield() end) end)())
print(coroutine.wrap(function() return pcall(string.gsub, "abc", ".", function(a) coroutine.yield() end) end)())
print(coroutine.wrap(function() return pcall(tostring, setmetatable({}, {__tostring = function() coroutine.yield() end})) end)())
