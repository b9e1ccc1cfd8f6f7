local q = 1
if q == 1 then q = 2 end
if q == 1 then q = 3 end
if q == 1 then q = 4 end
for k in pairs({1, 2, 3}) do break end
for i = 1, 3 do break end
while true do break end
repeat break until false
print(q)
