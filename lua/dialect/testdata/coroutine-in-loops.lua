local co = coroutine.wrap(function()
  for i = 1, 5 do
    if i == 3 then goto continue end
    coroutine.yield(i << 1)
    ::continue::
  end
  return "end"
end)
print(co(), co(), co(), co(), co())
