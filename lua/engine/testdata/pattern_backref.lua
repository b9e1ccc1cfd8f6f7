print(("hello hello"):match("(%w+) %1")) print(([["it's"]]):match("([\"'])(.-)%1")) print(("abab"):match("(ab)%1")) print(("abcab"):match("(ab)c%1")) print(("aa bb cd"):gsub("(%w)%1", "<%1>"))
print(pcall(string.match, "x", "%1")) print(pcall(string.match, "x", "(x%1)")) print(pcall(string.match, "x", "(x)%2"))
