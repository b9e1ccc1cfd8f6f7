local function outer()
  local n = 0
  local function inc() n = n + 1 return n end
  local function get() return n end
  pcall(function() inc() error("boom") end)
  n = n + 10
  print(get(), n)
  pcall(function() pcall(error) inc() error() end)
  print(get(), n)
  return inc, get
end
local inc, get = outer()
inc()
print(get())
