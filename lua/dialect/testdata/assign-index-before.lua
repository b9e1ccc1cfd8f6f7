local i, a = 3, {}
i, a[i] = i + 1, 20
print(i, a[3], a[4])
a.x, a = 1, nil
print(a)
