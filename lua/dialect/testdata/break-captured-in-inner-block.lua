local f
while true do
  if true then
    local x = 1
    f = function() x = x + 1 return x end
    break
  end
end
local a, b, c, d, e = 9, 9, 9, 9, 9
print(f(), f(), a, b, c, d, e)
