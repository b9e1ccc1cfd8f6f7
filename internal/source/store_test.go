package source

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

func TestStore(t *testing.T) {
	s := NewStore(t.TempDir())
	if got, err := s.Load(); got != nil || err != nil {
		t.Errorf("got %v, %v; want nothing yet", got, err)
	}
	want := []Hold{
		{Network: network("192.0.2.0/24"), Standing: Paused, Since: noon, Until: noon.Add(time.Hour), Reason: "a \"block\"\n", By: "ann"},
		{Network: network("2001:db8::1/128"), Standing: Draining, Since: noon, By: "127.0.0.1"},
		{Network: network("192.0.2.7/32"), Standing: Serving, Since: noon},
	}
	if err := s.Save(func() []Hold { return want }); err != nil {
		t.Fatal(err)
	}
	got, err := s.Load()
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	if err := s.Save(func() []Hold { return nil }); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Load(); len(got) != 0 || err != nil {
		t.Errorf("got %v, %v; want nothing", got, err)
	}
	entries, err := os.ReadDir(filepath.Dir(s.Path()))
	if err != nil || len(entries) != 1 {
		t.Errorf("got %v, %v; want the one file", entries, err)
	}
}

func TestStoreThatCannotBeHad(t *testing.T) {
	if err := (*Store)(nil).Save(nil); !errors.Is(err, ErrNoStore) {
		t.Errorf("got %v; want ErrNoStore", err)
	}
	if err := NewStore(filepath.Join(t.TempDir(), "gone")).Save(func() []Hold { return nil }); err == nil {
		t.Error("got no error without the directory")
	}
}

func TestStoreDamaged(t *testing.T) {
	for _, text := range []string{
		"", "{", "[]", `{"version":2}`, `{"version":1,"holds":[{"network":"192.0.2.1/33","standing":"paused"}]}`,
		`{"version":1,"holds":[{"network":"192.0.2.1/32","standing":"asleep"}]}`, `{"version":1,"holds":[{"standing":"paused"}]}`,
	} {
		s := NewStore(t.TempDir())
		if err := os.WriteFile(s.Path(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Load(); !errors.Is(err, ErrDamaged) {
			t.Errorf("%q: got %v; want ErrDamaged", text, err)
		}
	}
}

// FuzzStored: whatever is in the file, it is read or refused, and what was read can
// be restored.
func FuzzStored(f *testing.F) {
	f.Add([]byte(`{"version":1,"holds":[{"network":"192.0.2.0/24","standing":"paused","since":"2026-11-23T12:00:00Z","by":"ann"}]}`))
	f.Add([]byte(`{"version":1,"holds":[{"network":"::ffff:0.0.0.0/96","standing":"draining"},{"network":"0.0.0.0/0","standing":"serving"}]}`))
	f.Fuzz(func(_ *testing.T, content []byte) {
		list, err := parseStored(content)
		if err != nil {
			return
		}
		table := NewTable(nil)
		table.Restore(list, noon)
		table.Judge(addr("192.0.2.1"), false, noon)
		table.Expire(noon)
	})
}
