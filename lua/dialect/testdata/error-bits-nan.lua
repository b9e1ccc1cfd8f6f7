local nan = 0 / 0
local y = 1 ~ nan
