local function f(x) return function(y) return x .. y end end
print(f "a"
("b"))
local g = f
("c")
("d")
print(g)
local t = {m = function(self, s) return s end}
print(t
  :m
  "x")
