local function nest(n)
  if n == 0 then return "deepest" end
  return coroutine.wrap(function() return nest(n - 1) .. "." end)()
end
print(nest(50))
local co
co = coroutine.wrap(function() return pcall(co) end)
print(co())
local function forever() return coroutine.wrap(forever)() end
local ok, e = pcall(forever)
print(ok, (e:gsub("^.*C stack overflow.*$", "C stack overflow")))
