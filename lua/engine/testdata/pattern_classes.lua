local all = {} for i = 0, 255 do all[#all + 1] = string.char(i) end all = table.concat(all)
for c in ("acdglpsuwxACDGLPSUWX"):gmatch(".") do
  local r = all:gsub("%" .. c, "") print(c, #r, #(all:gsub("[%" .. c .. "]", "")), #(all:gsub("[^%" .. c .. "]", "")))
end
print(("a-z"):match("[a%-z]+")) print(("a]b"):match("[]]")) print(("a^b"):match("[b^]")) print(("a-b"):match("[a-]+")) print(("a%b"):match("[%%]"))
print(("xyz"):match("[x-y]+")) print(("x-y"):match("[%a-]+")) print(("abc]"):match("[^]]+")) print(("5-9"):match("[0-9-]+")) print(("a"):match("[a-%%]"))
