local log = {}
local function note(x) log[#log + 1] = x return x end
local t = setmetatable({}, {__newindex = function(t, k, v) log[#log + 1] = "set " .. k end})
t[note("k1")], t[note("k2")] = note("v1"), note("v2")
print(table.concat(log, ","))
