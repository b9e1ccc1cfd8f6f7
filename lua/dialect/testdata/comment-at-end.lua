print("x") -- no newline at the end of this line
