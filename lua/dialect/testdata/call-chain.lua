local a = {b = {c = {}}}
function a.b.c:d(t) self.got = t.x return function(s) return s .. self.got end end
print(a.b["c"]:d{x = 1}"n")
print(a.b["c"]:d({x = 2}) "m")
function a.b.f(...) return {n = select("#", ...)} end
print(a.b.f(1, 2, 3).n, a.b.f"".n, a.b.f{}.n)
