local t = "x"
print(~t)
