local s = {}
for i = 1, 10, s do print(i) end
