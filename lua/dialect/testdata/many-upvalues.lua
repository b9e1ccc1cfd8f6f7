local a,b,c,d,e,f,g,h = 1,2,3,4,5,6,7,8
local function all() return a+b+c+d+e+f+g+h, function() return h,g,f,e,d,c,b,a end end
local s, r = all()
print(s, r())
