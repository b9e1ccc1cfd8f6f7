local fs = {}
for i = 1, 4 do
  local x = i * 10
  fs[i] = function() x = x + 1 return x end
  if i % 2 == 0 then goto continue end
  x = x + 5
  ::continue::
end
for i = 1, 4 do print(fs[i](), fs[i]()) end
