local n = 0
local function inc() n = n + 1 end
for i = 1, 4 do
  if i == 2 then goto continue end
  inc()
  ::continue::
end
print(n)
n = 10
inc()
print(n)
