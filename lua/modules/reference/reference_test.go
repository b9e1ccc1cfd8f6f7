package reference

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-proxy/troupe/lua/dialect"
	"github.com/troupe-proxy/troupe/lua/modules"
	"github.com/troupe-proxy/troupe/lua/policy"
)

func mustFiles(t *testing.T) map[string]string {
	t.Helper()
	all, err := Files(policy.Reference())
	if err != nil {
		t.Fatal(err)
	}
	texts := make(map[string]string, len(all))
	for name, text := range all {
		texts[name] = string(text)
	}
	return texts
}

// TestStubsAreLua: an editor reads them as Lua.
func TestStubsAreLua(t *testing.T) {
	found := 0
	for name, text := range mustFiles(t) {
		if !strings.HasPrefix(name, "lua/types/") {
			continue
		}
		found++
		if _, err := dialect.Parse(name, []byte(text)); err != nil {
			t.Error(err)
		}
		if !strings.HasPrefix(text, "---@meta ") {
			t.Errorf("%s begins with %q; want the language server told that it is never run", name, strings.SplitN(text, "\n", 2)[0])
		}
	}
	if found != len(modules.NewIndex(policy.Reference()).Roots())+1 {
		t.Errorf("got %d stubs; want one for each module that require takes, and one of what they share", found)
	}
}

// TestEveryFunctionStandsOnce, in the stubs and on the page.
func TestEveryFunctionStandsOnce(t *testing.T) {
	files := mustFiles(t)
	page := files["docs/policy.md"]
	var stubs strings.Builder
	for name, text := range files {
		if strings.HasSuffix(name, ".lua") {
			stubs.WriteString(text)
		}
	}
	functions := modules.NewIndex(policy.Reference()).Functions()
	if len(functions) < 150 {
		t.Errorf("got %d functions; want all of them", len(functions))
	}
	for _, full := range functions {
		if n := strings.Count(stubs.String(), "\nfunction "+full+"("); n != 1 {
			t.Errorf("%s is %d times in the stubs; want once", full, n)
		}
		if n := strings.Count(page, "\n* `"+full+"("); n != 1 {
			t.Errorf("%s is %d times on the page; want once", full, n)
		}
	}
	for _, m := range policy.Reference() {
		for _, c := range m.Classes {
			if n := strings.Count(stubs.String(), "\n---@class "+c.Name+"\n"); n != 1 {
				t.Errorf("%s is %d times in the stubs; want once", c.Name, n)
			}
			for _, method := range c.Methods {
				if n := strings.Count(stubs.String(), "\nfunction "+strings.ReplaceAll(c.Name, ".", "_")+":"+method.Name+"("); n != 1 {
					t.Errorf("%s:%s is %d times in the stubs; want once", c.Name, method.Name, n)
				}
			}
		}
	}
}

// className is a class as the types of the stubs name it.
var className = regexp.MustCompile(`\b(?:kumo|proxy|sqlite|redis|troupe)(?:\.[a-z_]+)*\.[A-Z][A-Za-z]*\b`)

// TestTypesAreDefined: an editor knows every class that a type names.
func TestTypesAreDefined(t *testing.T) {
	var all strings.Builder
	for name, text := range mustFiles(t) {
		if strings.HasSuffix(name, ".lua") {
			all.WriteString(text)
		}
	}
	for line := range strings.Lines(all.String()) {
		if !strings.HasPrefix(line, "---@") {
			continue
		}
		for _, name := range className.FindAllString(line, -1) {
			if !strings.Contains(all.String(), "---@class "+name+"\n") && !strings.Contains(all.String(), "---@alias "+name+" ") {
				t.Errorf("%s is not defined: %s", name, line)
			}
		}
	}
}

// TestKumoMTAsNames: every name that a policy for KumoMTA's proxy can use is there,
// or refused with a reason.
func TestKumoMTAsNames(t *testing.T) {
	text, err := os.ReadFile("testdata/kumomta.txt")
	if err != nil {
		t.Fatal(err)
	}
	all := policy.Reference()
	functions := modules.NewIndex(all).Functions()
	checked := 0
	for full := range strings.FieldsSeq(string(text)) {
		checked++
		if !slices.Contains(functions, full) && !refused(t, full) {
			t.Errorf("%s is neither there nor refused with a reason", full)
		}
	}
	if checked < 150 {
		t.Errorf("looked at %d names; want all", checked)
	}
}

// refused says whether a name, or a table that it is in, is refused, and whether
// the page says so.
func refused(t *testing.T, full string) bool {
	t.Helper()
	page := mustFiles(t)["docs/policy.md"]
	for _, m := range policy.Reference() {
		for name, why := range m.Refused {
			if at := m.Name + "." + name; full == at || strings.HasPrefix(full, at+".") {
				if why == "" || !strings.Contains(page, "| `"+at+"` | ") {
					t.Errorf("%s is refused, and the page does not say why", at)
				}
				return true
			}
		}
	}
	return false
}
