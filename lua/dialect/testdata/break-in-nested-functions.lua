for i = 1, 3 do
  local function g() for j = 1, 5 do if j == 2 then break end end return i end
  print(g())
  if i == 2 then break end
end
