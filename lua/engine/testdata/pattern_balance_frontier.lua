print(("f(a(b)c)d"):match("%b()")) print(("((x)"):match("%b()")) print(("x)("):match("%b()")) print(("begin if end"):match("%bbd")) print(("''"):match("%b''"))
print(("THE (quick) fox"):find("%f[%a]%a+%f[%A]")) print(("THE (quick) fox"):gsub("%f[%a]%a+", "X")) print(("[[x]]"):gsub("%f[%w]%w+%f[%W]", "<%0>"))
print((""):find("%f[%z]")) print(("abc"):find("%f[\0]")) print(("abc"):find("%f[^%z]")) print(("aba"):gsub("%f[a]", "-"))
