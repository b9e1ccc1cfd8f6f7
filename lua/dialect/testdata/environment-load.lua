local f = load("x = 5 // 2 y = 6 & 3 return x, y")
if f then print(f()) end
