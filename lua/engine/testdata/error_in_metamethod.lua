local mt = {__index = function(t, k) error("no field " .. k) end, __add = function() error("no add", 2) end,
  __tostring = function() error("no text") end, __call = function() error("no call", 0) end,
  __len = function() error("no length") end, __eq = function() error("no eq") end, __lt = function() error("no lt") end,
  __concat = function() error("no concat") end, __newindex = function() error("ro", 2) end}
local t = setmetatable({}, mt)
local u = setmetatable({}, mt)
print(pcall(function() return t.x end))
print(pcall(function() return t + 1 end))
print(pcall(tostring, t))
print(pcall(t))
print(pcall(function() return #t end))
print(pcall(function() return t == u end))
print(pcall(function() return t < u end))
print(pcall(function() return t .. "x" end))
print(pcall(function() t.x = 1 end))
