f = 5
local f = function() return f end
print(f())
local g = 7
do local g = function() return g end print(g()) end
do local g = (function() return g end) print(g()) end
do local g <const> = function() return function() return g end end print(g()()) end
