local q = 1
if q == 1 then q = 2 end
if q == 1 then q = 3 end
if q == 1 then q = 4 end
if q == 1 then q = 5 end
local n = 0
while true do
  local x = false or n
  n = n + 1
  if n > 3 then break end
  q = q + x
end
print(n, q)
for _, v in ipairs({1, 2, 3}) do
  local x = nil and v
  n = n + v
  local y = "k" and v
  q = q + y
end
print(n, q)
repeat
  n = true and n + 1
  q = false and n or q + 1
until 1 and n > 12
print(n, q)
