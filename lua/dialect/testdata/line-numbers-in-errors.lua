local ok1, e1 = pcall(function()
  local x = 1

  error("three")
end)
local ok2, e2 = pcall(function() error("one line") end)
print(e1) print(e2)
