local log = {}
local function n(x) log[#log + 1] = x return x end
local t = {n(1), [n("k")] = n("v"), n(2), y = n("y"), n(3)}
print(table.concat(log, " "), #t)
