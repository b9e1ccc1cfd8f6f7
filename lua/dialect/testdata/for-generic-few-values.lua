-- leaves values in registers that the loops below begin with
local function dirty() local a, b, c, d, e, f = 1, 2, 3, 4, 5, 6 return a end
dirty()
local function it(s, c) if not c then return s or "no state" end end
for x in it do io.write(x, " ") end
dirty()
for x, y in it do io.write(x, " ") end
dirty()
for x, y in it, "state" do io.write(x, " ") end
dirty()
for x in it, "state", (function() return nil end)() do io.write(x, " ") end
for x in it, "state", ((function() return nil end)()) do io.write(x, " ") end
for x, y, z in it, "state", nil do io.write(x, " ") end
for k, v in next, {a = 1} do io.write(k, v, " ") end
print()
