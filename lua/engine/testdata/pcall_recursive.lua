local function f() return pcall(f) end
local r = {f()}
print(r[#r - 1], (r[#r]:gsub("C ", "")))
