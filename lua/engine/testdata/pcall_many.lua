local n = 0
for i = 1, 20000 do
  local ok, e = pcall(function(x) n = n + x if x % 3 == 0 then error(x) end return x end, i)
  if i % 3 == 0 then assert(not ok and e == nil or type(e) == "number") else assert(ok and e == i) end
end
print(n)
