local x = 1
x = math.huge & x
