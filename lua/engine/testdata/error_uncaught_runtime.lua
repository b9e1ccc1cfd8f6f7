local config = {}
print(config.a)
print(config.a.b)
