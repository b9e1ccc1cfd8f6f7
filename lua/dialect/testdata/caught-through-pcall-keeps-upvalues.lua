local n = 0
local ok, e = pcall(function() n = n + 1 error({code = 7}) end)
print(ok, e.code, n)
