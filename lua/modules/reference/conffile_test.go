package reference

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-proxy/troupe/lua/policy"
)

// TestConffile: the policy of the packages serves this host alone, and to remove
// the dashes before its parameters changes nothing.
func TestConffile(t *testing.T) {
	text, err := conffile()
	if err != nil {
		t.Fatal(err)
	}
	plain := loadText(t, string(text))
	if len(plain.Listeners) != 1 || plain.Listeners[0].Listen != "127.0.0.1:1080" {
		t.Errorf("got listeners %+v; want one on loopback", plain.Listeners)
	}
	if len(plain.HTTP) != 2 {
		t.Errorf("got %d HTTP listeners; want one on loopback and a Unix socket", len(plain.HTTP))
	}

	outOfForce := regexp.MustCompile(`(?m)^( *)--([a-z_}].*)$`)
	lines := outOfForce.ReplaceAllStringFunc(string(text), func(line string) string {
		// These two have a meaning beside others alone, or write a file.
		if strings.Contains(line, "source_choice") || strings.Contains(line, "access_log") {
			return line
		}
		return strings.Replace(line, "--", "", 1)
	})
	written := loadText(t, lines)
	for _, p := range []*policy.Policy{plain, written} {
		for i := range p.Listeners {
			p.Listeners[i].At = policy.Position{}
			if len(p.Listeners[i].Rules.DenyDestinations) == 0 {
				p.Listeners[i].Rules.DenyDestinations = nil // an empty list denies nothing
			}
		}
		for i := range p.HTTP {
			p.HTTP[i].At = policy.Position{}
		}
	}
	if !reflect.DeepEqual(written.Listeners, plain.Listeners) || !reflect.DeepEqual(written.HTTP, plain.HTTP) {
		t.Errorf("with its parameters in force it is another policy:\n%+v %+v\nwant\n%+v %+v",
			written.Listeners, written.HTTP, plain.Listeners, plain.HTTP)
	}
}

func loadText(t *testing.T, text string) *policy.Policy {
	t.Helper()
	p, err := policy.LoadSource(t.Context(), "policy.lua", []byte(text), policy.Options{})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	t.Cleanup(p.Close)
	return p
}

// TestConffileShowsAll: no parameter is missing from it.
func TestConffileShowsAll(t *testing.T) {
	text, err := conffile()
	if err != nil {
		t.Fatal(err)
	}
	words := regexp.MustCompile(`[a-z_0-9]+`).FindAllString(string(text), -1)
	for _, p := range slices.Concat(listenerParameters(), httpParameters()) {
		for key := range strings.SplitSeq(p.Key, ".") {
			if !slices.Contains(words, key) {
				t.Errorf("%s is not shown", p.Key)
			}
		}
	}
	for line := range strings.Lines(string(text)) {
		if len(line) > conffileWidth+12 {
			t.Errorf("too long: %s", line)
		}
	}
}
