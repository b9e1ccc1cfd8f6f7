local get, set
print(pcall(function()
  local secret = 5
  get = function() return secret end
  set = function(v) secret = v end
  error("out")
end))
print(get()) set(7) print(get())
for i = 1, 100 do pcall(function() local a, b, c = 1, 2, 3 return a end) end
print(get())
