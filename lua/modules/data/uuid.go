package data

import (
	"encoding/hex"

	"github.com/google/uuid"
	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

func uuidModule() spec.Module {
	maker := func(name, doc string, create func() (uuid.UUID, error)) function {
		return function{
			name: name, doc: doc, results: returns("kumo.UUID", "the UUID"),
			do: func(c *call) int {
				id, err := create()
				if err != nil {
					c.fail("%s", err)
				}
				return c.push(newObject(c.L, id, "kumo.UUID", uuidClass))
			},
		}
	}
	return module("kumo.uuid", "Universally unique identifiers (RFC 9562).", []function{
		{
			name:    "parse",
			doc:     "Reads a UUID in any of its forms.",
			params:  params(param("text", "string", "the UUID: hyphenated, simple, braced or as URN")),
			results: returns("kumo.UUID", "the UUID"),
			do:      parseUUID,
		},
		maker("new_v1", "A UUID of the time and the host's network address.", uuid.NewUUID),
		maker("new_v4", "A random UUID.", uuid.NewRandom),
		maker("new_v6", "A UUID as new_v1 makes it, but in the order of time.", uuid.NewV6),
		maker("new_v7", "A UUID of the time and random bits, in the order of time.", uuid.NewV7),
	}, uuidClass().spec())
}

func parseUUID(c *call) int {
	text := c.text(1)
	id, err := uuid.Parse(text)
	// Parse takes any two characters for the braces.
	const braced = 38
	if err != nil || len(text) == braced && (text[0] != '{' || text[braced-1] != '}') {
		c.bad(1, "expected a UUID such as 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'")
	}
	return c.push(newObject(c.L, id, "kumo.UUID", uuidClass))
}

func uuidClass() class[uuid.UUID] {
	text := func(name, doc string, get func(uuid.UUID) string) field[uuid.UUID] {
		return field[uuid.UUID]{name, "string", doc,
			func(_ *lua.LState, id uuid.UUID) lua.LValue { return lua.LString(get(id)) }}
	}
	return class[uuid.UUID]{
		name: "kumo.UUID",
		doc:  "A universally unique identifier. tostring gives the hyphenated form.",
		text: uuid.UUID.String,
		fields: []field[uuid.UUID]{
			text("hyphenated", "with hyphens, in lower case", uuid.UUID.String),
			text("simple", "without hyphens", func(id uuid.UUID) string { return hex.EncodeToString(id[:]) }),
			text("braced", "with hyphens and braces", func(id uuid.UUID) string { return "{" + id.String() + "}" }),
			text("urn", "as URN", uuid.UUID.URN),
			text("bytes", "the 16 bytes", func(id uuid.UUID) string { return string(id[:]) }),
		},
	}
}
