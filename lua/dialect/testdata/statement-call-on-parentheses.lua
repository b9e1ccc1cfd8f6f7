local log = {}
local f = function(x) log[#log + 1] = x return f end
;(f)(1)
;(function() log[#log + 1] = "anon" end)()
;("x"):rep(1)
print(#log, log[1], log[2])
