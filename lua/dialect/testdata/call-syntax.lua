local function f(x) return type(x) == "table" and #x or x end
print(f"str", f'str', f[[long]], f{1, 2}, f{}, f(1))
local s = "abc"
print(s:upper(), ("x"):rep(3), #s:rep(2), s:sub(2, 3):upper())
local t = {g = function(self, x) return self.v + x end, v = 10}
print(t:g(5), t.g(t, 6), t["g"](t, 7))
