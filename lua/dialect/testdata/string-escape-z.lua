print("one \z
  two\z three \z

	four")
print("a\z" == "a")
