for i = 1, 3 do
  do break end
  print("never")
end
while true do break; print("never") end
print("ok")
