local q = 1
if q == 1 then q = 2 end
if q == 1 then q = 3 end
if q == 1 then q = 4 end
if q == 1 then q = 5 end
local n = 0
for _, v in ipairs({1, 2, 3}) do
  if false then
    n = n + 1 n = n + 2 n = n + 3 n = n + 4 n = n + 5
  end
  n = n + v
  if n > 20 then break end
end
print(n, q)
while true do
  while nil do n = n + 100 q = q + 100 n = n + 100 q = q + 100 end
  n = n + 1
  if n > 20 then break end
end
print(n, q)
