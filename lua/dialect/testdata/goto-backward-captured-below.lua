local fs, step, i = {}, 0, 0
do
  ::top::
  local x = i * 10
  i = i + 1
  ::middle::
  step = step + 1
  if step % 2 == 0 then goto top end
  if i > 3 then goto out end
  fs[#fs + 1] = function() x = x + 1 return x end
  goto middle
  ::out::
end
print(fs[1](), fs[1](), fs[2](), fs[3](), fs[3]())
