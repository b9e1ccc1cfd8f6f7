print(pcall(error))
print(pcall(error, nil))
print(pcall(error, false))
print(pcall(error, 42))
print(select(2, pcall(error, 42)) + 1)
local t = {}
local ok, e = pcall(error, t)
print(ok, e == t)
local f = function() end
print(select(2, pcall(error, f)) == f)
print(pcall(error, setmetatable({}, {__tostring = function() return "shown" end})))
