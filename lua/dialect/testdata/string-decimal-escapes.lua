print(("\0a\00b\000c\9d\255"):byte(1, -1))
print(#"\u{0}\u{7F}\u{80}\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}\u{1FFFFF}\u{200000}\u{3FFFFFF}\u{4000000}")
