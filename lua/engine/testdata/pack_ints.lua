local function hex(s) return (s:gsub(".", function(c) return string.format("%02x", c:byte()) end)) end
for _, f in ipairs{"b", "B", "h", "H", "i", "I", "l", "L", "j", "J", "T", "i1", "i2", "i3", "i7", "i8", "i16", ">i2", ">i4", ">i16", "<i3", "=i4"} do print(f, hex(string.pack(f, 100)), string.unpack(f, string.pack(f, 100))) end
for _, f in ipairs{"b", "h", "i", "l", "i3", ">i5", "i16", ">i16"} do print(f, hex(string.pack(f, -2)), string.unpack(f, string.pack(f, -2))) end
print(pcall(string.pack, "b", 128)) print(pcall(string.pack, "B", 256)) print(pcall(string.pack, "B", -1)) print(pcall(string.pack, "i2", 40000)) print(pcall(string.pack, "i17", 1)) print(pcall(string.pack, "i0", 1)) print(pcall(string.pack, "b")) print(pcall(string.pack, "b", "x")) print(pcall(string.pack, "b", 1.5))
