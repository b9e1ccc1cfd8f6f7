local function guard(f, ...)
  local r = table.pack(pcall(f, ...))
  if not r[1] then error(r[2], 0) end
  return table.unpack(r, 2, r.n)
end
print(pcall(guard, error, "x"))
print(pcall(guard, function() error("y") end))
print(guard(function(...) return ... end, 1, nil, 3))
local e = {code = 5}
local ok, got = pcall(guard, error, e)
print(ok, got == e, got.code)
