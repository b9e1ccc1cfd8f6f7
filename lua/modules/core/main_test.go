package core

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/troupe-proxy/troupe/lua/modules/spec"
	"github.com/troupe-proxy/troupe/lua/pool"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What documentation is made of must be there.
func TestEveryFunctionIsDocumented(t *testing.T) {
	p := &Process{Limits: pool.NewLimits(), Globs: NewGlobs()}
	for _, m := range p.Modules() {
		if m.Name == "" || m.Doc == "" {
			t.Errorf("%+v has no name or no text", m)
		}
		for _, f := range m.Functions {
			if f.Name == "" || f.Doc == "" || f.Call == nil || !typed(f) {
				t.Errorf("%s.%s lacks a name, text, type or function", m.Name, f.Name)
			}
		}
	}
}

func typed(f spec.Function) bool {
	for _, p := range f.Params {
		if p.Name == "" || p.Type == "" {
			return false
		}
	}
	for _, r := range f.Results {
		if r.Type == "" {
			return false
		}
	}
	return true
}
