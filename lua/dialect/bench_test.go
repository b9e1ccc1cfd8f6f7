package dialect_test

import (
	"bytes"
	"os"
	"testing"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"

	"github.com/troupe-proxy/troupe/lua/dialect"
)

// policy is a policy of about 500 lines, which the engine's parser takes too.
func policy(b *testing.B) []byte {
	b.Helper()
	example, err := os.ReadFile("../examples/default.lua")
	if err != nil {
		b.Fatal(err)
	}
	part := append([]byte("do\n"), example...)
	part = append(part, "\nend\n"...)
	return bytes.Repeat(part, max(1, 500/bytes.Count(part, []byte("\n"))))
}

func BenchmarkParse(b *testing.B) {
	source := policy(b)
	b.SetBytes(int64(len(source)))
	for b.Loop() {
		if _, err := dialect.Parse("t", source); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseOfEngine(b *testing.B) {
	source := policy(b)
	b.SetBytes(int64(len(source)))
	for b.Loop() {
		if _, err := parse.Parse(bytes.NewReader(source), "t"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	source := policy(b)
	for b.Loop() {
		if _, err := dialect.Compile("t", source); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompileOfEngine(b *testing.B) {
	source := policy(b)
	for b.Loop() {
		chunk, err := parse.Parse(bytes.NewReader(source), "t")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := lua.Compile(chunk, "t"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOperator is one // in a loop, a call in the engine.
func BenchmarkOperator(b *testing.B) {
	proto, err := dialect.Compile("t", []byte("local n = ... local x = 0 for i = 1, n do x = i // 3 end"))
	if err != nil {
		b.Fatal(err)
	}
	L := newState(b, nil)
	L.Push(L.NewFunctionFromProto(proto))
	L.Push(lua.LNumber(b.N))
	L.Call(1, 0)
}
