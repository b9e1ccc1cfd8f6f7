local function hex(s) return (s:gsub(".", function(c) return string.format("%02x", c:byte()) end)) end
for _, v in ipairs{0.5, -1.25, 1e10, 1/0, -1/0} do print(hex(string.pack("<f", v)), hex(string.pack(">d", v)), hex(string.pack("<n", v))) print(string.format("%.14g %d", string.unpack("<f", string.pack("<f", v)))) print(string.format("%.14g %d", string.unpack(">d", string.pack(">d", v)))) end
print(pcall(string.pack, "d", "x")) print(string.unpack("d", string.pack("d", 0.1)) == 0.1)
