local t, f, n = true, false, nil
print(t and f, f and t, n and t, t or f, f or n, n or f)
print(t and f or n, f or t and n, not n and f or t)
print(1 == 1 and "eq" or "ne", 1 ~= 1 and "ne" or "eq", t and 1 < 2, n or 2 > 1)
local x = not (t and n) == t
print(x, not t == f, not (t == f))
