print('a"b', "a'b", "", '', "\"", '\'')
print("tab	inside")
