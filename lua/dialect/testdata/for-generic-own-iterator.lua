local function range(n) local i = 0 return function() i = i + 1 if i <= n then return i, i * i end end end
for i, sq in range(4) do io.write(i, ":", sq, " ") end
print()
local function count(s, i) if i < s then return i + 1 end end
for i in count, 3, 0 do io.write(i, " ") end
for i in count, 2, 0, nil do io.write(i, " ") end
for i in (function() return count, 2, 0 end)() do io.write(i, " ") end
print()
