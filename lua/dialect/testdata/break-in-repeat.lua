local i = 0
repeat
  local stop = i > 2
  local f = function() return stop end
  if f() then break end
  i = i + 1
until false
print(i)
