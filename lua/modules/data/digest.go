package data

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"hash"
	"hash/crc32"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

// algorithm is a digest by the name that Lua has for it.
type algorithm struct {
	name, doc string
	new       func() hash.Hash
	keyed     bool // hmac_NAME is offered too
}

func algorithms() []algorithm {
	return []algorithm{
		{"sha1", "SHA-1 (FIPS 180-4). It does not withstand attack.", sha1.New, true},
		{"sha224", "SHA-224 (FIPS 180-4).", sha256.New224, true},
		{"sha256", "SHA-256 (FIPS 180-4).", sha256.New, true},
		{"sha384", "SHA-384 (FIPS 180-4).", sha512.New384, true},
		{"sha512", "SHA-512 (FIPS 180-4).", sha512.New, true},
		{"sha512_256", "SHA-512/256 (FIPS 180-4).", sha512.New512_256, false},
		{"sha3_256", "SHA3-256 (FIPS 202).", func() hash.Hash { return sha3.New256() }, false},
		{"sha3_384", "SHA3-384 (FIPS 202).", func() hash.Hash { return sha3.New384() }, false},
		{"sha3_512", "SHA3-512 (FIPS 202).", func() hash.Hash { return sha3.New512() }, false},
		{"crc32", "CRC-32 with the polynomial of IEEE 802.3, as four bytes, the highest first. It guards against accidents alone.",
			func() hash.Hash { return crc32.NewIEEE() }, false},
	}
}

func digestModule() spec.Module {
	var functions []function
	for _, a := range algorithms() {
		functions = append(functions, a.plain())
		if a.keyed {
			functions = append(functions, a.hmac())
		}
	}
	return module("kumo.digest", "Digests of data, with and without a key.", functions, binaryClass().spec())
}

func (a algorithm) plain() function {
	return function{
		name: a.name,
		doc:  a.doc + " The digest is that of all arguments in a row: of a string its bytes, of any other value its JSON text.",
		params: params(spec.Param{Name: "...", Type: "any", Variadic: true,
			Doc: "what to digest"}),
		results: returns("kumo.Binary", "the digest"),
		do: func(c *call) int {
			h := a.new()
			for n := range c.given() {
				c.alive()
				h.Write([]byte(c.digestible(n + 1)))
			}
			return c.push(newBinary(c.L, h.Sum(nil)))
		},
	}
}

// digestible is an argument as the digests take it.
func (c *call) digestible(n int) string {
	if text, ok := c.get(n).(lua.LString); ok {
		return c.short(n, string(text))
	}
	return c.json(n, false)
}

func (a algorithm) hmac() function {
	return function{
		name: "hmac_" + a.name,
		doc:  "HMAC (RFC 2104) of a message, by " + a.doc,
		params: params(
			param("key", "string|table", "where the key is: a file name, or a table as for every key"),
			param("message", "string", "what to sign"),
		),
		results: returns("kumo.Binary", "the authentication code"),
		do: func(c *call) int {
			h := hmac.New(a.new, c.key(c.get(1)))
			h.Write([]byte(c.text(2)))
			return c.push(newBinary(c.L, h.Sum(nil)))
		},
	}
}

// key reads a key. The error of a key source never holds the key.
func (c *call) key(source lua.LValue) []byte {
	if c.env == nil || c.env.Key == nil {
		c.fail("keys cannot be read here")
	}
	key, err := c.env.Key(c.ctx(), c.L, source)
	if err != nil {
		c.fail("key: %s", err)
	}
	return key
}
