local function f(n)
  while true do
    if n > 3 then goto out end
    n = n + 1
  end
  ::out::
  do return n end
end
print(f(1), f(10))
