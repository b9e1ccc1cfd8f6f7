// Package examples holds policies to copy, each of which runs as it stands, and
// the default policy that is part of the binary.
//
// It embeds text and does nothing with it: lua/policy reads it. Whoever starts
// the daemon without a policy loads Default.
package examples

import (
	"embed"
)

// FS holds the policies, by file name.
//
//go:embed *.lua
var FS embed.FS

// Default is the text of the default policy: SOCKS5 and HTTP on loopback. Each
// call returns a copy of its own.
func Default() []byte {
	text, err := FS.ReadFile("default.lua")
	if err != nil {
		// The file is part of the binary; it cannot be absent while that runs.
		panic(err)
	}
	return text
}
