local keep
do
  local a, b, c = 1, 2, 3
  do
    local z = 7
    keep = function() z = z + a return z end
    goto out
  end
  ::out::
  local p, q, r, s = 50, 60, 70, 80
  print(keep(), keep(), p, q, r, s)
end
