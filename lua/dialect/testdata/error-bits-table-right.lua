print(1 >> {})
