local t = setmetatable({1, 2}, {__len = function() return 10 end}) print(#t, rawlen(t)) print(#setmetatable({}, {__len = function() return "str" end}))
print(pcall(table.unpack, setmetatable({}, {__len = function() return "x" end}))) print(pcall(table.insert, setmetatable({}, {__len = function() return 1.5 end}), 1)) print(rawlen("abc"), rawlen({1, 2, 3}))
