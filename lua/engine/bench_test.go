package engine

import (
	"testing"

	lua "github.com/yuin/gopher-lua"
)

func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Close(New(Options{}))
	}
}

func benchmarkLoop(b *testing.B, body string) {
	L, _ := mustState(b, Options{})
	fn := mustCompile(b, L, "local n = ... for i = 1, n do "+body+" end")
	b.ReportAllocs()
	b.ResetTimer()
	if _, err := Call(L, fn, 0, lua.LNumber(b.N)); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkPcall(b *testing.B)      { benchmarkLoop(b, "pcall(type, 1)") }
func BenchmarkPcallError(b *testing.B) { benchmarkLoop(b, "pcall(error, 1)") }
func BenchmarkFind(b *testing.B) {
	benchmarkLoop(b, `string.find("mta1.example.com", "^([%w-]+)%.(.+)$")`)
}
func BenchmarkConcat(b *testing.B)    { benchmarkLoop(b, `local s = "user" .. i .. "@" .. n`) }
func BenchmarkConcatOne(b *testing.B) { benchmarkLoop(b, `local s = "user" .. i`) }
func BenchmarkFindPlain(b *testing.B) { benchmarkLoop(b, `string.find("mta1.example.com", "example")`) }
func BenchmarkResume(b *testing.B) {
	L, _ := mustState(b, Options{})
	fn := mustCompile(b, L, "local n = ... local co = coroutine.wrap(function() while true do coroutine.yield() end end) for i = 1, n do co() end")
	b.ReportAllocs()
	b.ResetTimer()
	if _, err := Call(L, fn, 0, lua.LNumber(b.N)); err != nil {
		b.Fatal(err)
	}
}
