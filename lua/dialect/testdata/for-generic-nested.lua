for i, a in ipairs({{1, 2}, {3}}) do
  for j, b in ipairs(a) do
    if b == 2 then goto next end
    print(i, j, b)
    ::next::
  end
end
