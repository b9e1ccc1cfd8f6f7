for _, p in ipairs{"(", ")", "%", "[", "[a", "[^", "[%", "[a%", "%b", "%bx", "%f", "%fa", "(()", "a)", "[]", "[^]", "()()(", "%0", "(%0)", "x(", "[a-", "[%a"} do
  print(p, pcall(string.find, "xa", p))
end
print(pcall(string.rep("x", 1).match, "x", string.rep("(x)", 33))) print(pcall(string.find, string.rep("x", 300), string.rep("x?", 300) .. "y"))
print(pcall(string.gsub, "x", "(", "")) print(pcall(string.gmatch("x", "(")))
print(pcall(string.find, ("a"):rep(300000), (".-"):rep(250) .. "b"))
