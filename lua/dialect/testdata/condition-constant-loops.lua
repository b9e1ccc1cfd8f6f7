while false do print("never") end
while nil do print("never") end
repeat print("once") until true
repeat print("once") until 1
for i = 1, 2 do while not 1 do print("never") end print(i) end
