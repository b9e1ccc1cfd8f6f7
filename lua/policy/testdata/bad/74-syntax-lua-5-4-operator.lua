local flags = 1
local low = flags & 1
