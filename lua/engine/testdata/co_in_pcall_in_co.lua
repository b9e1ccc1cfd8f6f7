local log = {}
local outer = coroutine.wrap(function()
  for i = 1, 2 do
    local inner = coroutine.wrap(function(x) local y = coroutine.yield(x + 1) if y > 100 then error("big " .. y, 0) end return y end)
    local ok, v = pcall(function() local a = inner(i) local b = coroutine.yield("outer", a) return inner(b) end)
    log[#log + 1] = tostring(ok) .. ":" .. tostring(v)
  end
  return table.concat(log, " ")
end)
print(outer()) print(outer(5)) print(outer(500))
