local q = 1
if q == 1 then q = 2 end
if q == 1 then q = 3 end
if q == 1 then q = 4 end
if q == 1 then q = 5 end
local n = 0
for _, v in ipairs({1, 2, 3}) do
  local x = false and n
  n = n + v
  q = q + 1
  if x then print("never") end
  if n > 20 then break end
end
print(n, q)
for _, v in ipairs({1, 2, 3}) do
  if nil and v then n = n + 1 q = q + 1 n = n + 1 q = q + 1 end
  n = n + v
  if n > 40 then break end
end
print(n, q)
