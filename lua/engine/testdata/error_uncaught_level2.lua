local function f() error("lvl two", 2) end
local function g()
  f()
  return 1
end
g()
