local fs = {}
for i = 1, 3 do
  local v = i
  fs[i] = {get = function() return v end, set = function(x) v = x end}
  pcall(error, "e")
  v = v * 10
end
for i = 1, 3 do print(fs[i].get()) fs[i].set(i) pcall(error) print(fs[i].get()) end
