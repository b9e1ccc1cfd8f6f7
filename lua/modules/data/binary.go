package data

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"

	lua "github.com/yuin/gopher-lua"
)

// binary is what a digest or a cipher yields. It is a string so that objects
// cannot change one another.
type binary string

// newBinary is an object with those bytes.
func newBinary(L *lua.LState, b []byte) *lua.LUserData {
	return newObject(L, binary(b), "kumo.Binary", binaryClass)
}

func binaryClass() class[binary] {
	k := class[binary]{
		name: "kumo.Binary",
		doc:  "Bytes, to be read in the encoding that is wanted. tostring gives hex. Functions of these modules that take a string take the object for its bytes.",
		text: func(b binary) string { return hex.EncodeToString([]byte(b)) },
		operators: map[string]func(c *call) int{
			"__eq": func(c *call) int {
				left, _ := object[binary](c.get(1))
				right, _ := object[binary](c.get(2))
				return c.push(lua.LBool(left == right))
			},
		},
		fields: []field[binary]{{"bytes", "string", "the bytes themselves",
			func(_ *lua.LState, b binary) lua.LValue { return lua.LString(b) }}},
	}
	for _, e := range notations() {
		k.fields = append(k.fields, field[binary]{e.name, "string", e.doc,
			func(_ *lua.LState, b binary) lua.LValue { return lua.LString(e.encode([]byte(b))) }})
	}
	return k
}

// notation turns bytes into text and back.
type notation struct {
	name, doc string
	padded    bool // "=" at the end of the text means nothing
	length    func(n int) int
	encode    func([]byte) string
	decode    func(string) ([]byte, error)
}

func notations() []notation {
	type codec interface {
		EncodedLen(n int) int
		EncodeToString([]byte) string
		DecodeString(string) ([]byte, error)
	}
	// Decoding is without padding everywhere: it was cut off where it may stand.
	row := func(name, doc string, padded bool, to, from codec) notation {
		return notation{name, doc, padded, to.EncodedLen, to.EncodeToString, from.DecodeString}
	}
	b32, b32hex, b64, b64url := base32.StdEncoding, base32.HexEncoding, base64.StdEncoding, base64.URLEncoding
	b32raw, b32hexraw := b32.WithPadding(base32.NoPadding), b32hex.WithPadding(base32.NoPadding)
	return []notation{
		row("base32", "base32 (RFC 4648 section 6)", true, b32, b32raw),
		row("base32_nopad", "base32 without padding", false, b32raw, b32raw),
		row("base32hex", "base32 with the extended hex alphabet (RFC 4648 section 7)", true, b32hex, b32hexraw),
		row("base32hex_nopad", "base32hex without padding", false, b32hexraw, b32hexraw),
		row("base64", "base64 (RFC 4648 section 4)", true, b64, base64.RawStdEncoding),
		row("base64_nopad", "base64 without padding", false, base64.RawStdEncoding, base64.RawStdEncoding),
		row("base64url", "base64 with the URL alphabet (RFC 4648 section 5)", true, b64url, base64.RawURLEncoding),
		row("base64url_nopad", "base64url without padding", false, base64.RawURLEncoding, base64.RawURLEncoding),
		{"hex", "hex in lower case", false, hex.EncodedLen, hex.EncodeToString, hex.DecodeString},
	}
}
