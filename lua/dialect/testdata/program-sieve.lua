local n, composite = 100, {}
for i = 2, n do
  if composite[i] then goto continue end
  io.write(i, " ")
  for j = i * i, n, i do composite[j] = true end
  ::continue::
end
print()
