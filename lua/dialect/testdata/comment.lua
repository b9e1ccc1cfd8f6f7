-- line
--[[ block ]] print(1) --[==[
 longer ]] ]=]
]==] print(2)
--[ not a block
print(3) -- [[ not a block either
--[=x not a block
print(4) --
