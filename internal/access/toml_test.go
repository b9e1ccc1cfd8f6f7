package access

import (
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

const goodMap = `
[[acl."http_listener"]]
allow = true
privileges = ["GET", "PUT"]
identity.Individual = "user"

[[acl."http_listener"]]
allow = false
privileges = ["POST"]
identity.Group = "group"

[[acl."http_listener"]]
allow = true
privileges = ["GET"]
identity.Machine = "::ffff:10.0.0.1"

[[acl."http_listener"]]
allow = true
privileges = ["PUT"]
identity.MachineSet = ["10.0.0.1", "1.2.3.0/24", "::ffff:10.0.0.0/104", "any"]

[[acl."http_listener"]]
allow = true
privileges = ["GET"]
identity.Unauthenticated = {}

[[acl.other]]
allow = true
privileges = ["GET"]
[[acl.other.criteria.AllOf]]
Identity.Authenticated = {}
[[acl.other.criteria.AllOf]]
Identity.Machine = "10.0.0.1"

[[acl.other]]
allow = true
privileges = ["POST"]
criteria.AnyOf = [{Identity={Individual = "hunter"}}, {Not={Identity="Any"}}, {Machine="10.0.0.1"}]
`

func TestParseMap(t *testing.T) {
	m, err := ParseMap("good.toml", []byte(goodMap))
	if err != nil {
		t.Fatal(err)
	}
	ten := netip.MustParseAddr("10.0.0.1")
	want := []Rule{
		{Individual("user"), "GET", true},
		{Individual("user"), "PUT", true},
		{Group("group"), "POST", false},
		{Machine(ten), "GET", true},
		{MachineSet{
			netip.MustParsePrefix("10.0.0.1/32"), netip.MustParsePrefix("1.2.3.0/24"), netip.MustParsePrefix("10.0.0.0/8"),
			netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0"),
		}, "PUT", true},
		{Unauthenticated, "GET", true},
	}
	if got := m.Get("http_listener").Rules; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v; want %+v", got, want)
	}
	want = []Rule{
		{AllOf{Authenticated, Machine(ten)}, "GET", true},
		{AnyOf{Individual("hunter"), Not{Any}, Machine(ten)}, "POST", true},
	}
	if got := m.Get("other").Rules; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v; want %+v", got, want)
	}
	if m.Get("none") != nil {
		t.Error("got a list for a resource that has none")
	}
}

func TestParseMapRefuses(t *testing.T) {
	const head = "# a comment\n[[acl.\"r/*\"]]\n"
	const rest = "allow = true\nprivileges = [\"GET\"]\n"
	tests := []struct{ name, text, want string }{
		{"no TOML", "[[acl", "f:1: it is no TOML: "},
		{"a key twice", head + "allow = true\nallow = false\n", "it is no TOML: "},
		{"empty", "", `f: expected tables [[acl."resource"]], got none`},
		{"another table", "[acls]\n", "f:1: acls: unknown key, did you mean 'acl'?; expected acl"},
		{"no table", "acl = 7\n", `f:1: acl: expected tables [[acl."resource"]], got 7`},
		{"no array", "[acl.\"r/*\"]\nallow = true\n", `f:1: acl."r/*": expected tables [[acl."r/*"]], got a table`},
		{"unknown key", head + rest + "identity.Any = {}\nprivilege = 1\n", `f:6: acl."r/*"[1].privilege: unknown key, did you mean 'privileges'?; expected allow, privileges, identity, criteria`},
		{"allow missing", head + "privileges = [\"GET\"]\nidentity.Any = {}\n", `f:2: acl."r/*"[1].allow: expected true or false, got nothing`},
		{"allow is text", head + "allow = \"yes\"\nprivileges = [\"GET\"]\nidentity.Any = {}\n", `f:3: acl."r/*"[1].allow: expected true or false, got "yes"`},
		{"privileges missing", head + "allow = true\nidentity.Any = {}\n", `f:2: acl."r/*"[1].privileges: expected a list of privileges such as ["GET"], got nothing`},
		{"privileges empty", head + "allow = true\nprivileges = []\nidentity.Any = {}\n", `f:4: acl."r/*"[1].privileges: expected at least one privilege`},
		{"a privilege is a number", head + "allow = true\nprivileges = [\"GET\",\n  7]\nidentity.Any = {}\n", `f:4: acl."r/*"[1].privileges[2]: expected the name of a privilege such as "GET", got 7`},
		{"nobody", head + rest, `f:2: acl."r/*"[1]: expected identity or criteria, got neither`},
		{"both", head + rest + "identity.Any = {}\ncriteria.Identity = \"Any\"\n", `f:6: acl."r/*"[1].criteria: expected identity or criteria, got both`},
		{"unknown identity", head + rest + "identity.Groups = \"g\"\n", `f:5: acl."r/*"[1].identity: unknown kind "Groups", did you mean 'Group'?`},
		{"two identities", head + rest + "identity.Group = \"g\"\nidentity.Individual = \"i\"\n", `f:5: acl."r/*"[1].identity: expected one of Individual`},
		{"an empty name", head + rest + "identity.Individual = \"\"\n", `f:5: acl."r/*"[1].identity.Individual: expected a name, got ""`},
		{"no address", head + rest + "identity.Machine = \"10.0.0.0/8\"\n", `f:5: acl."r/*"[1].identity.Machine: expected an IP address, got "10.0.0.0/8"`},
		{"host bits", head + rest + "identity.MachineSet = [\"10.0.0.0/8\",\n \"10.0.0.1/8\"]\n", `f:5: acl."r/*"[1].identity.MachineSet[2]: expected an address, a network`},
		{"a state with something in it", head + rest + "identity.Any = { all = 1 }\n", `f:5: acl."r/*"[1].identity.Any.all: unknown key`},
		{"all of nothing", head + rest + "criteria.AllOf = []\n", `f:5: acl."r/*"[1].criteria.AllOf: expected at least one criterion`},
		{"within criteria", head + rest + "criteria.AllOf = [\n  {Identity = \"Any\"},\n  {Identity = {Machine = 7}},\n]\n", `f:7: acl."r/*"[1].criteria.AllOf[2].Identity.Machine: expected an IP address, got 7`},
		{"the second entry", head + rest + "identity.Any = {}\n\n" + head[len("# a comment\n"):] + rest + "identity.Any = {}\nallowed = 1\n", `f:11: acl."r/*"[2].allowed: unknown key`},
		{"nested tables", head + rest + "[[acl.\"r/*\".criteria.AnyOf]]\nIdentity.Machine = \"x\"\n", `f:6: acl."r/*"[1].criteria.AnyOf[1].Identity.Machine: expected an IP address, got "x"`},
		{"too deep", head + rest + "criteria = " + strings.Repeat("{Not = ", 40) + "{Any = {}}" + strings.Repeat("}", 40) + "\n", "criteria stand in one another more than 32 times"},
		{"too long", strings.Repeat("#", largestMap+1), "f: expected at most 262144 bytes, got 262145"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := ParseMap("f", []byte(tt.text))
			if m != nil || err == nil {
				t.Fatalf("got %v, %v; want it refused", m, err)
			}
			if _, ok := errors.AsType[*Problems](err); !ok {
				t.Errorf("got a %T; want a *Problems", err)
			}
			inside := !strings.HasPrefix(tt.want, "f:")
			if !strings.HasPrefix(err.Error(), tt.want) && !inside || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got:\n%v\nwant:\n%s", err, tt.want)
			}
		})
	}
}

// All mistakes are reported, in the order of the file, but not without end.
func TestManyProblems(t *testing.T) {
	_, err := ParseMap("f", []byte(strings.Repeat("[[acl.r]]\nallow = 1\n", 30)))
	if bad, ok := errors.AsType[*Problems](err); !ok || len(bad.List) != mostProblems+1 || bad.List[10].Why != "and 80 more mistakes" {
		t.Errorf("got %v; want the first ten and how many more", err)
	}
}

// Whatever is in a file, it is read or refused with reasons; what is read decides.
func FuzzParseMap(f *testing.F) {
	f.Add([]byte(goodMap))
	f.Add(builtinText)
	f.Add([]byte("[[acl.\"r\"]]\nallow = true\nprivileges = [\"GET\"]\ncriteria.AllOf = [{Identity={Any={}}}, # c\n {Not={Any={}}}]\n"))
	f.Add([]byte("acl = { r = [{ allow = true, privileges = [''], identity = [] }] }"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := ParseMap("f", text)
		if bad, ok := errors.AsType[*Problems](err); err != nil && (!ok || len(bad.List) == 0 || m != nil) {
			t.Fatalf("got %v, %v; want a map, or problems", m, err)
		}
		if err != nil {
			return
		}
		for name, l := range m.lists {
			for _, r := range l.Rules {
				if again, err := ParseRules([]any{r.Plain()}); err != nil || !reflect.DeepEqual(again.Rules, []Rule{r}) {
					t.Fatalf("%s: %+v is not what it says: %v", name, r, err)
				}
				r.Criteria.Match(alice)
			}
		}
	})
}
