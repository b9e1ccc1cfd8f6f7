local x <const> = 1
do
  local x = 2
  x = 3
  print(x)
  local function g(x) x = x + 1 return x end
  print(g(9))
end
for x = 1, 2 do local y = x x = 5 print(x, y) end
print(x)
