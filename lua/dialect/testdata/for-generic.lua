local t = {10, 20, 30}
for i, v in ipairs(t) do io.write(i, "=", v, " ") end
for k, v in next, {a = 1} do io.write(k, "=", v, " ") end
for w in ("a b c"):gmatch("%a") do io.write(w, " ") end
print()
