local s = "abc"
print(1 & s)
