for i = 1, 5 do
  if i % 2 == 0 then goto continue end
  print(i)
  ::continue::
end
local i = 0
while i < 5 do
  i = i + 1
  if i == 3 then goto continue end
  print(i)
  ::continue::
end
