local function parse(s)
  local n = 0
  for part in s:gmatch("%d+") do n = n << 8 | tonumber(part) end
  return n
end
local function format(n) return (n >> 24 & 255) .. "." .. (n >> 16 & 255) .. "." .. (n >> 8 & 255) .. "." .. (n & 255) end
local function contains(net, bits, ip) local mask = ~0 << (32 - bits) & 0xFFFFFFFF return parse(ip) & mask == parse(net) & mask end
print(parse("192.0.2.1"), format(3221225985), contains("10.0.0.0", 8, "10.2.3.4"), contains("10.0.0.0", 8, "11.2.3.4"))
