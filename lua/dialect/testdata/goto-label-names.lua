::a:: ::b:: do ::c:: end do ::c:: end
local function f() ::a:: ::b:: return 1 end
print(f())
do local x = 0 ::c:: x = x + 1 if x < 3 then goto c end print(x) end
