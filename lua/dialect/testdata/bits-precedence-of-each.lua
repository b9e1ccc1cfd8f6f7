print(1 | 1 ~ 1, 1 ~ 1 | 1, 1 ~ 3 & 2, 3 & 2 ~ 1, 2 & 1 << 1, 1 << 1 & 2)
local t = setmetatable({}, {
  __shl = function(a, b) return "shl(" .. b .. ")" end,
  __band = function(a, b) return "band(" .. tostring(b) .. ")" end,
})
print(t << 1 .. 2, t << 1 + 2, t & 1 << 2, t & 5 .. 6)
