local log = {}
local level = 0
local function note(m) log[#log + 1] = level .. ":" .. tostring(m) return m end
for i = 1, 3 do
  level = i
  xpcall(error, note, "e" .. i)
  level = level + 10
  note("after")
end
print(table.concat(log, " "))
