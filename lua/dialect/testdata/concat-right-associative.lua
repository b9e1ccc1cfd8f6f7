local log = {}
local function v(n) return setmetatable({n = n}, {__concat = function(x, y)
  local p, q = type(x) == "table" and x.n or x, type(y) == "table" and y.n or y
  log[#log + 1] = p .. "+" .. q
  return p .. q
end}) end
local r = v("a") .. v("b") .. v("c")
print(r, table.concat(log, " "))
