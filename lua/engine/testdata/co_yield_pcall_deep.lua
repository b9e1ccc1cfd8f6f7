local function level(n)
  if n == 0 then
    local v = coroutine.yield("bottom")
    if v == "fail" then error("failed", 0) end
    return v
  end
  local ok, v = pcall(level, n - 1)
  coroutine.yield(n .. ":" .. tostring(ok) .. ":" .. tostring(v))
  if not ok then error(v .. n, 0) end
  return v .. n
end
for _, cmd in ipairs{"ok", "fail"} do
  local co = coroutine.create(function() return level(4) end)
  print(coroutine.resume(co))
  print(coroutine.resume(co, cmd))
  while coroutine.status(co) ~= "dead" do print(coroutine.resume(co, "ignored")) end
end
