local s = "hello"
for _, r in ipairs{{1, 2}, {2}, {-3}, {-3, -2}, {0}, {0, 0}, {10}, {3, 2}, {-100, 100}, {2, -2}, {-1, -1}, {5, 5}, {6, 6}} do print(r[1], r[2], s:sub(r[1], r[2])) print(s:byte(r[1], r[2])) end
print(s:byte()) print((""):byte()) print(s:byte(1.0)) print(pcall(s.byte, s, 1.5)) print(string.char()) print(string.char(72, 105)) print(("x"):sub("1"))
print(s:sub(math.mininteger, math.maxinteger), s:upper(), ("HeLLo"):lower(), s:reverse(), (""):reverse(), s:len(), #s, ("a\0b"):len(), ("é"):upper())
