print(7.5 // 2 == 3, -7.5 // 2 == -4, 0.5 // 0.25 == 2)
print(5.5 // 0 == math.huge, -5.5 // 0 == -math.huge)
print(math.huge // 1 == math.huge, 1 // math.huge == 0, -1 // math.huge == -1)
