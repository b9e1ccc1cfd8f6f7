local function crc(s)
  local c = 0xFFFFFFFF
  for i = 1, #s do
    c = c ~ s:byte(i)
    for _ = 1, 8 do
      if c & 1 == 1 then c = c >> 1 ~ 0xEDB88320 else c = c >> 1 end
    end
  end
  return c ~ 0xFFFFFFFF
end
print(crc("123456789"), crc(""))
