local f = function() print("called") return 1 end
print(nil and f(), false and f(), true and f(), 1 and f(), "" and f())
print(nil or f(), false or f(), true or f(), 0 or f())
print((nil and f()) or 2, (1 or f()) and 3, not nil and 4, not 0 or 5)
local x = false or nil
local y = nil or false
print(x, y)
if (false or nil) then print("never") elseif (true and 0) then print("zero is true") end
