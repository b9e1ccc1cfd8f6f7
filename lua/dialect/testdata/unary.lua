print(-2, - -2, not nil, not not nil, #"abc", -#"ab", not #"x", -(-3))
local x = 5
print(-x, - -x, -x + 1, -x * -x, not x == nil)
print(-2 ^ 2 | 0, 2 ^ - 1 == .5)
