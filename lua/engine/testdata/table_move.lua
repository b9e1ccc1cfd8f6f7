local function show(t) print(table.concat(t, ",")) end
show(table.move({1, 2, 3, 4, 5}, 2, 4, 1)) show(table.move({1, 2, 3, 4, 5}, 1, 3, 2)) show(table.move({1, 2, 3}, 1, 3, 3)) show(table.move({1, 2, 3}, 1, 0, 2)) show(table.move({1, 2, 3}, 2, 3, 1, {9, 9, 9, 9})) local t = {1, 2, 3} show(table.move(t, 1, 3, 1)) show(table.move({1, 2, 3}, 1, 3, 1, {}))
print(pcall(table.move, {}, 1, 2)) print(pcall(table.move, 1, 1, 2, 3)) print(pcall(table.move, {}, 1, 2, 3, 4)) print(pcall(table.move, {}, "x", 1, 1))
local log = {} local p = setmetatable({}, {__index = function(_, k) log[#log + 1] = "r" .. k return k end, __newindex = function(_, k, v) log[#log + 1] = "w" .. k .. "=" .. v end}) table.move(p, 1, 2, 3) print(table.concat(log, " "))
