print(("aaa"):gsub("^a*", "x")) print(("^a"):gsub("%^a", "x")) print(("a$"):gsub("a$$", "x")) print(("a$"):find("a%$$")) print(("a$b"):find("a$b")) print(("a^b"):find("a^b"))
print(("abc"):find("^b", 2)) print(("abc"):match("^(b)", 2)) print(("abc"):find("^", 4)) print(("abc"):find("$", 2)) print(("abc"):gsub("$", "!")) print(("abc"):gsub("^", "!"))
