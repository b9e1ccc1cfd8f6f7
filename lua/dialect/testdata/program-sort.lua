local t = {5, 3, 8, 1, 9, 2}
for i = 1, #t do
  for j = 1, #t - i do
    if t[j] > t[j + 1] then t[j], t[j + 1] = t[j + 1], t[j] end
  end
end
print(table.concat(t, " "))
