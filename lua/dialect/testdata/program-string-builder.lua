local out = {}
for i = 1, 3 do
  for j = 1, 3 do
    if i == j then goto skip end
    out[#out + 1] = i .. "-" .. j
    ::skip::
  end
end
print(table.concat(out, ","))
