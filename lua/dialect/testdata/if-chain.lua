local function f(x)
  if x == 1 then return "one"
  elseif x == 2 then return "two"
  elseif x == 3 then
  else return "other" end
  return "three"
end
print(f(1), f(2), f(3), f(4))
if nil then elseif false then else print("else") end
