local limit <const> = 3
local function count()
  local n = 0
  return function() if n < limit then n = n + 1 end return n end
end
local c = count()
print(c(), c(), c(), c())
