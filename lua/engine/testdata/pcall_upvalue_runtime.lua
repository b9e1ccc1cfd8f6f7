local total = 0
local function add(x) total = total + x end
for i = 1, 5 do
  local ok, e = pcall(function() add(i) if i % 2 == 0 then local t = nil; return t.x end end)
  total = total + 100
  print(ok, e, total)
end
