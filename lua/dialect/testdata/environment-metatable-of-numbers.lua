local x = 5
print(pcall(function() return x.y end) == false)
print(pcall(x) == false)
print(rawequal(x, 5), tostring(5), type(5))
