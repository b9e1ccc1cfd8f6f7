local n = 0
for k in pairs({1, 2, 3}) do
  if false then n = 100 n = n + 1 n = n + 2 end
  n = n + 1
end
print(n)
n = 0
while true do
  if nil then n = 1000 end
  if not true then n = 2000 end
  if not not nil then n = 3000 end
  n = n + 1
  if n > 3 then break end
end
print(n)
