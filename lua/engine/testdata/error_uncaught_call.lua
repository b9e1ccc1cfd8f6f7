local m = {}
m.start()
