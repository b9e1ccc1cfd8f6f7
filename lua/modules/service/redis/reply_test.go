package redis

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestParseReply(t *testing.T) {
	for _, c := range []struct {
		reply string
		want  any
	}{
		{"_\r\n", nil},
		{"$-1\r\n", nil},
		{"*-1\r\n", nil},
		{"#t\r\n", true},
		{"#f\r\n", false},
		{",1.5\r\n", 1.5},
		{"(123456789012345678901234567890\r\n", "123456789012345678901234567890"},
		{"=7\r\ntxt:abc\r\n", "abc"},
		{"~2\r\n:1\r\n:2\r\n", []any{int64(1), int64(2)}},
		{"%1\r\n:1\r\n*1\r\n_\r\n", map[string]any{"1": []any{nil}}},
		{"|1\r\n+ttl\r\n:9\r\n:7\r\n", int64(7)},
		{"*2\r\n-ERR no\r\n!3\r\nBAD\r\n", []any{"ERR no", "BAD"}},
		{"$4\r\na\r\nb\r\n", "a\r\nb"},
		{"*0\r\n", []any{}},
		{"$0\r\n\r\n", ""},
	} {
		got, err := parseReply([]byte(c.reply))
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: got %#v, %v; want %#v", c.reply, got, err, c.want)
		}
	}
}

func TestParseReplyRefuses(t *testing.T) {
	for _, reply := range []string{
		"", "\r\n", ":", ":x\r\n", "$5\r\nab\r\n", "$2\r\nabcd", "$99999999999\r\n", "*2\r\n:1\r\n", "?1\r\n", ":1\r\n:2\r\n", "*-2\r\n",
		strings.Repeat("*1\r\n", 100) + ":1\r\n", "*1000000\r\n", "=3\r\ntxt",
	} {
		if got, err := parseReply([]byte(reply)); !errors.Is(err, errMalformed) {
			t.Errorf("%q: got %#v, %v; want %v", reply, got, err, errMalformed)
		}
	}
	failed := serverError("")
	if _, err := parseReply([]byte("-MOVED 1 h:1\r\n")); !errors.As(err, &failed) || !failed.moved() {
		t.Errorf("got %v; want a server error about a move", err)
	}
}

func FuzzParseReply(f *testing.F) {
	for _, seed := range []string{"+OK\r\n", "*2\r\n$1\r\na\r\n:1\r\n", "%1\r\n+k\r\n_\r\n", "|1\r\n+k\r\n_\r\n:1\r\n", "-ERR x\r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, reply []byte) {
		v, err := parseReply(reply)
		if err != nil && v != nil {
			t.Errorf("got %v with %v; want nothing with an error", v, err)
		}
	})
}
