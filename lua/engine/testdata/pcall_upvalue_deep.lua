local x = 1
local function set(v) x = v end
local function f(n) if n == 0 then error("deep") end local ok = pcall(f, n - 1) set(x + 1) error(n) end
print(pcall(f, 20))
print(x)
