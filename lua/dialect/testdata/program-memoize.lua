local function memoize(f) local cache = {} return function(x) local v = cache[x] if v == nil then v = f(x) cache[x] = v end return v end end
local calls = 0
local sq = memoize(function(x) calls = calls + 1 return x * x end)
print(sq(4), sq(4), sq(5), calls)
