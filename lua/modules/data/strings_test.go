package data

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestReplace(t *testing.T) {
	cases{
		{"kumo.string.replace('a.b.c', '.', '%')", "a%b%c"},
		{"kumo.string.replace('abc', '', '-')", "-a-b-c-"},
		{"kumo.string.replace('é', '', '-')", "-é-"},
		{"kumo.string.replace('abc', 'x', 'y')", "abc"},
		{"kumo.string.replace('a\\0b\\255', '\\0', '')", "ab\xff"},
		{"kumo.string.replacen('aaa', 'a', 'b', 2)", "bba"},
		{"kumo.string.replacen('aaa', 'a', 'b', 0)", "aaa"},
		{"kumo.string.replacen('aaa', 'a', 'b', 9)", "bbb"},
	}.check(t)
	refusals{
		{"kumo.string.replace('a', 'b')", "kumo.string.replace: argument 3 (to): expected a string, got nil"},
		{"kumo.string.replacen('a', 'a', 'b', -1)", "argument 4 (count): expected a whole number between 0 and"},
		{"kumo.string.replacen('a', 'a', 'b', 1.5)", "got 1.5"},
		{"kumo.string.replace(('a'):rep(1e6), 'a', ('b'):rep(100))", "the result would be longer than 16 MiB"},
		{"kumo.string.trim(('a'):rep(17 * 1024 * 1024))", "argument 1 (s): longer than 16 MiB"},
	}.check(t)
}

func TestSplit(t *testing.T) {
	cases{
		{"kumo.string.split('a,b,,c', ',')", list("a", "b", "", "c")},
		{"kumo.string.split('', ',')", list("")},
		{"kumo.string.split('ab', '')", list("", "a", "b", "")},
		{"kumo.string.splitn('a,b,c', 2, ',')", list("a", "b,c")},
		{"kumo.string.splitn('a,b,c', 1, ',')", list("a,b,c")},
		{"#kumo.string.splitn('a,b,c', 0, ',')", int64(0)},
		{"kumo.string.splitn('abc', 3, '')", list("", "a", "bc")},
		{"kumo.string.rsplit('a,b,,c', ',')", list("c", "", "b", "a")},
		{"kumo.string.rsplit('aaa', 'aa')", list("", "a")},
		{"kumo.string.rsplit('aé', '')", list("", "é", "a", "")},
		{"kumo.string.rsplitn('a,b,c', 2, ',')", list("c", "a,b")},
		{"kumo.string.split_whitespace(' a\\t b\\194\\160c\\n')", list("a", "b", "c")},
		{"kumo.string.split_ascii_whitespace(' a\\t b\\194\\160c\\n')", list("a", "b\u00a0c")},
		{"#kumo.string.split_whitespace('  ')", int64(0)},
	}.check(t)
	refusals{
		{"kumo.string.split(('a'):rep(1e6), 'a')", "the result would have more than"},
		{"kumo.string.splitn('a', ',', 2)", "argument 2 (limit): expected a whole number"},
	}.check(t)
}

// TestSplitAsGo: with a separator that is not empty the parts are those of the
// standard library, and from the end they are the parts of the reversed string.
func TestSplitAsGo(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		s, separator := letters(random, 12), letters(random, 2)+"a"
		c := &call{}
		if got, want := c.split(s, separator, -1, cutFirst), strings.Split(s, separator); !slices.Equal(got, want) {
			t.Fatalf("split of %q at %q: got %q; want %q", s, separator, got, want)
		}
		if got, want := c.split(s, separator, 3, cutFirst), strings.SplitN(s, separator, 3); !slices.Equal(got, want) {
			t.Fatalf("split of %q at %q in three: got %q; want %q", s, separator, got, want)
		}
		want := strings.Split(reversed(s), reversed(separator))
		for i := range want {
			want[i] = reversed(want[i])
		}
		if got := c.split(s, separator, -1, cutLast); !slices.Equal(got, want) {
			t.Fatalf("split of %q at %q from the end: got %q; want %q", s, separator, got, want)
		}
	}
}

func letters(random *rand.Rand, n int) string {
	out := make([]byte, random.IntN(n+1))
	for i := range out {
		out[i] = "ab"[random.IntN(2)]
	}
	return string(out)
}

func reversed(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

func TestTests(t *testing.T) {
	cases{
		{"kumo.string.starts_with('a.b', 'a.')", true},
		{"kumo.string.starts_with('axb', 'a.')", false},
		{"kumo.string.ends_with('\\255\\254', '\\254')", true},
		{"kumo.string.ends_with('ab', '')", true},
		{"kumo.string.trim('\\194\\160 a b\\n')", "a b"},
		{"kumo.string.trim_start(' a ')", "a "},
		{"kumo.string.trim_end(' a ')", " a"},
		{"kumo.string.trim(12)", "12"},
	}.check(t)
}

func TestPublicSuffix(t *testing.T) {
	cases{
		{"kumo.string.psl_domain('www.example.co.uk')", "example.co.uk"},
		{"kumo.string.psl_domain('WWW.Example.CO.UK.')", "Example.CO.UK."},
		{"kumo.string.psl_domain('co.uk')", nil},
		{"kumo.string.psl_domain('')", nil},
		{"kumo.string.psl_domain('a..com')", nil},
		{"kumo.string.psl_domain('.com')", nil},
		{"kumo.string.psl_domain('www.食狮.公司.cn')", "食狮.公司.cn"},
		{"kumo.string.psl_domain('host.example.unknown')", "example.unknown"},
		{"kumo.string.psl_suffix('www.example.co.uk')", "co.uk"},
		{"kumo.string.psl_suffix('co.uk')", "co.uk"},
		{"kumo.string.psl_suffix('www.食狮.公司.cn')", "公司.cn"},
		{"kumo.string.psl_suffix(('a.'):rep(1000000))", nil},
	}.check(t)
}

func TestWrap(t *testing.T) {
	long := strings.Repeat("A", 100)
	cases{
		{"kumo.string.wrap('hello')", "hello"},
		{"kumo.string.wrap('  hello \\n there  ')", "hello there"},
		{"kumo.string.wrap('hello world foo bar baz woot woot', 10, 15)", "hello\r\n\tworld foo\r\n\tbar baz\r\n\twoot woot"},
		{"kumo.string.wrap('hi there breakmepleaseIamtoolong', 10, 15)", "hi there\r\n\tbreakmepleaseIa\r\n\tmtoolong"},
		{"kumo.string.wrap(('A'):rep(200), 75, 100)", long + "\r\n\t" + long},
		{"kumo.string.wrap('')", ""},
		{"kumo.string.wrap('ééé', 1, 3)", "éé\r\n\té"},
	}.check(t)
	refusals{{"kumo.string.wrap('a', 0)", "argument 2 (soft): expected a whole number between 1 and"}}.check(t)
}
