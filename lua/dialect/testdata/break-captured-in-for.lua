local fs = {}
for i = 1, 5 do
  local y = i
  fs[#fs + 1] = function() y = y + i return y end
  do
    local z = i * 100
    fs[#fs + 1] = function() z = z + 1 return z end
    if i == 3 then break end
  end
end
local a, b, c, d = 0, 0, 0, 0
for _, f in ipairs(fs) do print(f(), f()) end
