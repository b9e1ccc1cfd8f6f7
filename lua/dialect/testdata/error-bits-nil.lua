print(nil << 1)
