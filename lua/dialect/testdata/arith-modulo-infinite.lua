local inf = math.huge
print(5 % inf == 5, -5 % inf == inf, 5 % -inf == -inf, -5 % -inf == -5)
local x = inf % 2
print(x ~= x)
