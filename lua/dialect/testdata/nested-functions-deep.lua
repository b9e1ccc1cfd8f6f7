local function a() return function() return function() return function() return "deep" end end end end
print(a()()()())
