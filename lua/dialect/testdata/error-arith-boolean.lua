local function f(a, b)
  return a // b
end
f(true, 1)
