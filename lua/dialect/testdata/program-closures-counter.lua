local counters = {}
for i = 1, 3 do
  local n = 0
  counters[i] = {inc = function() n = n + i end, get = function() return n end}
end
for i = 1, 3 do counters[i].inc() counters[i].inc() end
print(counters[1].get(), counters[2].get(), counters[3].get())
