local x = 0
local co = coroutine.wrap(function()
  local y = 0
  local function both() return x, y end
  pcall(function()
    y = y + 1 x = x + 1
    coroutine.yield(both())
    y = y + 1
    error("stop")
  end)
  y = y + 100
  coroutine.yield(both())
  return both()
end)
print(co()) x = x + 10 print(co()) x = x + 10 print(co())
