for _, p in ipairs{"a*", "a+", "a-", "a?", "a*b", "a+b", "a-b", "a?b", "^a*$", "a*a", "a-a", "[ab]*", "[ab]-c", ".*c", ".-c", "a.?c", "(a*)(b*)(c*)", "(a-)(b-)(c-)$"} do
  print(p, ("aaabbbccc"):match(p)) print(p, ("bbb"):match(p)) print(p, (""):match(p))
end
