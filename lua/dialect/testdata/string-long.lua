print([[a
b]], [==[]]]=]]==], [[
first newline dropped]], [=[

second kept]=])
print(#[[]], #[==[]==], [[\n]], [[a]]..[=[b]=])
