local m
print(4 % m)
