print(pcall(pcall, pcall, error, "deep"))
print(pcall(function()
  local ok, e = pcall(error, "a")
  local ok2, e2 = pcall(function() error(e .. "b", 0) end)
  error(e2 .. "c", 0)
end))
local function nest(n) if n == 0 then error("bottom", 0) end local ok, e = pcall(nest, n - 1) error(e .. n, 0) end
print(pcall(nest, 30))
