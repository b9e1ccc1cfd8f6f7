local function f(x) return x, "extra" end
for i = f(1), f(5), f(2) do io.write(i, " ") end
for i = (f(2)), #"abc" do io.write(i, " ") end
local t = {1, 2, 3}
for i = #t, 1, -1 do io.write(t[i], " ") end
local step = -2
for i = 6, 1, step do io.write(i, " ") end
print()
