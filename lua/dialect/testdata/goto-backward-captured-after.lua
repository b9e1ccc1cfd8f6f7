local fs = {}
do
  local i = 0
  ::top::
  local x = i * 10
  i = i + 1
  if i == 1 then goto make end
  if i < 3 then goto top end
  ::make::
  fs[#fs + 1] = function() x = x + 1 return x end
  if i < 3 then goto top end
end
for _, f in ipairs(fs) do print(f()) end
