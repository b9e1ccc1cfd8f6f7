local s = "\a\b\f\n\r\t\v\\\"\'\x41\x7a\65\066\0661\u{48}\u{20AC}\u{7FFFFFFF}\z
           end"
print(#s, s:byte(1, -1))
print("a\
b" == "a\nb")
