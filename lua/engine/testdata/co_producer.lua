local function producer() return coroutine.create(function() for _, l in ipairs{"a", "b", "c"} do coroutine.yield(l) end return nil end) end
local function filter(p) return coroutine.create(function() local n = 1 while true do local _, x = coroutine.resume(p) if not x then return nil end coroutine.yield(n .. x) n = n + 1 end end) end
local f = filter(producer())
while true do local ok, v = coroutine.resume(f) print(ok, v) if not v then break end end
