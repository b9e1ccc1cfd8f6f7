local mt = {}
for _, e in ipairs({"band", "bor", "bxor", "shl", "shr"}) do
  mt["__" .. e] = function(a, b) return e .. " " .. type(a) .. " " .. type(b) end
end
mt.__bnot = function(a, b) return "bnot " .. type(a) .. " " .. type(b) end
local t = setmetatable({}, mt)
print(t & 1, 1 & t, t | 1, 1 | t)
print(t ~ 1, 1 ~ t, t << 1, 1 << t, t >> 1, 1 >> t)
print(~t)
print("x" & t, nil | t, t ~ 1.5)
