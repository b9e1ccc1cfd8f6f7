print(("ab"):rep(3)) print(("ab"):rep(3, ",")) print(("ab"):rep(0)) print(("ab"):rep(-1)) print((""):rep(100)) print(("x"):rep(1, "sep")) print((""):rep(3, "-")) print(#("x"):rep(100000))
print(pcall(string.rep, "x", 1e15)) print(pcall(string.rep, "xx", 1 << 40)) print(pcall(string.rep, "x", 1 << 30, ("y"):rep(100))) print((""):rep(1e9) == "")
