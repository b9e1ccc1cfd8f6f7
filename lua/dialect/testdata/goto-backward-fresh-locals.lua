local fs = {}
do
  local i = 0
  ::top::
  local x = i
  fs[#fs + 1] = function() x = x + 1 return x end
  i = i + 1
  if i < 3 then goto top end
end
print(fs[1](), fs[1](), fs[2](), fs[3]())
