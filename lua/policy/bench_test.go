package policy

import (
	"context"
	"testing"
)

// BenchmarkAuthenticate is a handler that compares strings, by way of the pool:
// what one login costs beyond the session.
func BenchmarkAuthenticate(b *testing.B) {
	p, err := LoadSource(b.Context(), "policy.lua", []byte("local kumo = require 'kumo'\n"+
		onAuth(`return user == 'alice' and password == 'secret'`)), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Hooks.Authenticate(context.Background(), "alice", "secret", testMeta); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRequest is a handler that looks at a request and lets it pass.
func BenchmarkRequest(b *testing.B) {
	p, err := LoadSource(b.Context(), "policy.lua", []byte("local kumo = require 'kumo'\n"+
		onRequest(`if request.destination_port ~= 25 then return false end`)), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Hooks.Request(context.Background(), RequestInfo{Connect: true, Host: "192.0.2.1", Port: 25}, testMeta); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkState is a Lua state for the pool, with a policy's top level run.
func BenchmarkState(b *testing.B) {
	p, err := LoadSource(b.Context(), "policy.lua", []byte("local kumo = require 'kumo'\n"+onAuth(`return true`)), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	b.ReportAllocs()
	for b.Loop() {
		s, err := p.Hooks.program.build(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		s.close()
	}
}
