package access

import _ "embed"

//go:embed builtin.toml
var builtinText []byte

// BuiltinName stands for the name of the file in errors about the lists that come
// with the program.
const BuiltinName = "(built-in access control lists)"

// Builtin makes the lists that come with the program. What KumoMTA's proxy-server
// opens or closes by default they open or close.
func Builtin() *Map {
	m, err := ParseMap(BuiltinName, builtinText)
	if err != nil {
		panic(err) // the file is ours; a test reads it
	}
	return m
}
