local function fib(n) local a, b = 0, 1 for _ = 1, n do a, b = b, a + b end return a end
for i = 0, 20 do io.write(fib(i), " ") end
print()
