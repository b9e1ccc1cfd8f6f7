local function check(x) if not x then error("bad x", 1) end end
local function run()
  check(1 // 2 == 0)
  check(false)
end
print(pcall(run))
