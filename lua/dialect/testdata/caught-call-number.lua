local ok, e = pcall(function() local x = 5 return x(1) end)
print(ok, (e:gsub(" %(.*", "")))
