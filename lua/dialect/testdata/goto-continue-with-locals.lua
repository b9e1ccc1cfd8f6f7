for i = 1, 4 do
  if i == 2 then goto continue end
  local x = i * 10
  local y = x + 1
  print(x, y)
  ::continue::
end
