local function make() local v = 0 return function() v = v + 1 return v end, function() return v end, function() v = v + 1 error("inc then fail") end end
local inc, get, fail = make() inc() pcall(fail) inc() print(get()) local function block() local x = 1 local f = function() return x end x = 2 pcall(error) x = 3 local g = function() x = x + 1 end g() return f(), x end print(block())
local acc = {} for i = 1, 3 do local k = i * 10 acc[i] = function() k = k + 1 return k end pcall(function() k = k + 100 error() end) k = k + 1000 end print(acc[1](), acc[2](), acc[3](), acc[1]())
local w = 1 local co = coroutine.wrap(function() w = w + 1 coroutine.yield() w = w + 1 error("x", 0) end) co() pcall(co) w = w + 1 print(w)
