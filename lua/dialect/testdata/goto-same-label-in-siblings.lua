for i = 1, 2 do
  for j = 1, 2 do
    if j == 1 then goto next end
    print("a", i, j)
    ::next::
  end
  for j = 1, 2 do
    if j == 2 then goto next end
    print("b", i, j)
    ::next::
  end
end
