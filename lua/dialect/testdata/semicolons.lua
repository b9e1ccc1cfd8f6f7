;;; local a = 1; ; print(a);
do ; end
if a then ; else ; end
while false do ; end
local function f() ; return 1; end
print(f());
