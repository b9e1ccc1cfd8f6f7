local function loop(n) if n == 0 then return "end" end return loop(n - 1) end
print(loop(5000))
local function even(n) if n == 0 then return true end return (function(m) return m >= 0 end)(n) end
print(even(4))
