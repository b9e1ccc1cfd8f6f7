local function show(t) print(table.concat(t, " ")) end
local t = {5, 2, 8, 1, 9, 3} table.sort(t) show(t) table.sort(t, function(a, b) return a > b end) show(t) t = {"b", "a", "C", "A", ""} table.sort(t) show(t) t = {} table.sort(t) t = {1} table.sort(t) show(t)
local r = {} local x = 7 for i = 1, 500 do x = (x * 1103515245 + 12345) % 2147483648 r[i] = x end table.sort(r) for i = 2, 500 do assert(r[i - 1] <= r[i]) end print("sorted")
local n = 0 t = {3, 1, 2} table.sort(t, function(a, b) n = n + 1 return a < b end) show(t) print(n > 0)
print(pcall(table.sort, {1, "x", 2})) print(pcall(table.sort, {{}, {}})) print(pcall(table.sort, {3, 2, 1}, 5)) print(pcall(table.sort, {3, 2, 1}, function() error("cmp", 0) end)) print(pcall(table.sort)) print(pcall(table.sort, {1, nil, 3}) ~= nil)
t = setmetatable({3, 1, 2}, {__lt = nil}) table.sort(t) show(t) local objs = {} for i = 1, 5 do objs[i] = setmetatable({v = (i * 7) % 5}, {__lt = function(a, b) return a.v < b.v end}) end
