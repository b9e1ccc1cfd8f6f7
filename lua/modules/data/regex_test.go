package data

import (
	"context"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// matches is what a pattern finds in a subject, as the Lua expression.
func matches(pattern, subject string) string {
	return "kumo.regex.compile([=[" + pattern + "]=]):find_all([=[" + subject + "]=])"
}

func TestRegexMethods(t *testing.T) {
	cases{
		{`kumo.regex.compile("'([^']+)'\\s+\\((\\d{4})\\)"):captures("a movie: 'Citizen Kane' (1941).")[2]`, "1941"},
		{`kumo.regex.compile("'(?<title>[^']+)'\\s+\\((?<year>\\d{4})\\)"):captures("a movie: 'Citizen Kane' (1941).")`,
			map[string]any{"0": "'Citizen Kane' (1941)", "1": "Citizen Kane", "2": "1941", "title": "Citizen Kane", "year": "1941"}},
		{`kumo.regex.compile("(a)|(b)"):captures("b")`, map[string]any{"0": "b", "2": "b"}},
		{`kumo.regex.compile("(?P<x>a)(b)(?<y>c)"):captures("abc")`,
			map[string]any{"0": "abc", "1": "a", "2": "b", "3": "c", "x": "a", "y": "c"}},
		{`kumo.regex.compile("a"):captures("b")`, nil},
		{`kumo.regex.compile("oo"):is_match("foo")`, true},
		{`kumo.regex.compile("oo"):is_match("fo")`, false},
		{`kumo.regex.compile("o+"):find("fooood")`, "oooo"},
		{`kumo.regex.compile("x"):find("fooood")`, nil},
		{`kumo.regex.compile("\\b\\w{13}\\b"):find_all("Retroactively relinquishing remunerations is reprehensible.")`,
			list("Retroactively", "relinquishing", "remunerations", "reprehensible")},
		{`#kumo.regex.compile("x"):find_all("a")`, int64(0)},
		{`kumo.regex.compile("[ \\t]+"):split("a b \t  c\td    e")`, list("a", "b", "c", "d", "e")},
		{`kumo.regex.compile(","):split(",a,")`, list("", "a", "")},
		{`kumo.regex.compile(","):split("")`, list("")},
		{`kumo.regex.compile("é+"):split("aéébéc")`, list("a", "b", "c")},
		{`kumo.regex.escape("a.b[c]-é")`, `a\.b\[c\]\-é`},
		{`tostring(kumo.regex.compile("x"))`, "kumo.Regex"},
	}.check(t)
}

func TestRegexReplace(t *testing.T) {
	cases{
		{`kumo.regex.compile("[^01]+"):replace("1078910", "")`, "1010"},
		{`kumo.regex.compile("(?P<last>[^,\\s]+),\\s+(?P<first>\\S+)"):replace("Springsteen, Bruce", "$first $last")`, "Bruce Springsteen"},
		{`kumo.regex.compile("(a)(b)?"):replace("a", "[$0|$1|$2|$3|$x]")`, "[a|a|||]"},
		{`kumo.regex.compile("(a)"):replace("a", "$1a ${1}a $$1 $ ${1 $")`, " aa $1 $ ${1 $"},
		{`kumo.regex.compile("a"):replace("aaa", "b")`, "baa"},
		{`kumo.regex.compile("a"):replace_all("aaa", "b")`, "bbb"},
		{`kumo.regex.compile("a"):replacen("aaa", 2, "b")`, "bba"},
		{`kumo.regex.compile("a"):replacen("aaa", 0, "b")`, "bbb"},
		{`kumo.regex.compile("x*"):replace_all("ab", "-")`, "-a-b-"},
		{`kumo.regex.compile("x"):replace("ab", "-")`, "ab"},
	}.check(t)
}

// TestRegexSyntax: where .NET and Rust read a pattern in different ways, it is
// read as in Rust.
func TestRegexSyntax(t *testing.T) {
	cases{
		{"#" + matches(`a$`, "a\n"), int64(0)},
		{matches(`(?m)a$`, "a\na"), list("a", "a")},
		{matches(`(?m:a$)|b$`, "a\nb\n"), list("a")},
		{matches(`(?m)^b`, "a\nb"), list("b")},
		{matches(`.`, "a\né"), list("a", "é")},
		{matches(`(?s).+`, "a\nb"), list("a\nb")},
		{matches(`(?i)É`, "é"), list("é")},
		{matches(`(?i)a(?-i)b`, "AB Ab"), list("Ab")},
		{matches(`(?i:a)b`, "Ab AB"), list("Ab")},
		{matches("(?x) a # comment (\n b [ c]", "abc ab "), list("abc")},
		{matches(`(?x:a b)c d`, "abc d"), list("abc d")},
		{matches(`(?u)\d`, "٣"), list("٣")},
		{matches(`\w+`, "é_1 "), list("é_1")},
		{matches(`[[:alpha:]]+`, "ab1é"), list("ab")},
		{matches(`[^[:^digit:]]+`, "ab12é"), list("12")},
		{matches(`[[:punct:]x]+`, "a!?xb"), list("!?x")},
		{matches(`[[:alnum:]]+|[[:blank:]]|[[:cntrl:]]`, "a1 \x01é"), list("a1", " ", "\x01")},
		{matches(`[[:lower:]][[:upper:]][[:xdigit:]][[:space:]][[:word:]]`, "aBf\n_"), list("aBf\n_")},
		{matches(`[[:ascii:]]`, "éa"), list("a")},
		{matches(`[[:graph:]]+[[:print:]]`, "é!a b"), list("!a ")},
		{matches(`[[:^ascii:]]+`, "aé😀b"), list("é😀")},
		{matches(`\H[\h]`, "gf"), list("gf")},
		{matches(`[]a]+`, "]a"), list("]a")},
		{matches(`[^]]`, "]a"), list("a")},
		{matches(`[a\-z]+`, "a-m"), list("a-")},
		{matches(`\pL+\p{Lu}`, "abC1"), list("abC")},
		{matches(`\p{Greek}\P{Greek}\p{Script=Greek}\p{^Greek}`, "αaαb"), list("αaαb")},
		{matches(`\x41\x{42}\u0043\u{44}\U00000045\x{1F600}`, "ABCDE😀"), list("ABCDE😀")},
		{matches(`[\x41-\x43]+`, "ABCD"), list("ABC")},
		{matches(`\h+`, "12afg"), list("12af")},
		{matches(`\.\-\#\&\~\ \/`, ".-#&~ /"), list(".-#&~ /")},
		{matches(`(?<=a)b(?=c)(?!d)(?<!x)`, "abc"), list("b")},
		{matches(`(?>a+)b`, "aab"), list("aab")},
		{matches(`(a)(?<n>b)\1\k<n>(?P=n)\2`, "ababbb"), list("ababbb")},
		{matches(`(a)?(?(1)b|c)`, "ab c"), list("ab", "c")},
		{matches(`a(?#comment)b`, "ab"), list("ab")},
		{matches(`a{2,3}b{1}c{0,}`, "aab"), list("aab")},
		{matches(`\Aa\z`, "a"), list("a")},
		{matches(`a*?`, ""), list("")},
	}.check(t)
}

func TestRegexRefuses(t *testing.T) {
	compile := func(pattern string) string { return "kumo.regex.compile([=[" + pattern + "]=])" }
	refusals{
		{compile(`(a`), "kumo.regex.compile: argument 1 (pattern): not a regular expression: missing closing )"},
		{compile(`a)`), "unexpected )"},
		{compile(`[a`), "missing closing ]"},
		{compile(`[a[b]]`), "a class inside a class is not supported"},
		{compile(`[a-z&&[^b]]`), "the class operators"},
		{compile(`[a--b]`), "the class operators"},
		{compile(`(?<a>x)(?<a>y)`), "two groups have the same name"},
		{compile(`(?<1a>x)`), "a group name consists of"},
		{compile(`(?<a-b>x)`), "a group name consists of"},
		{compile(`\k<n>`), "no group with that name"},
		{compile(`\2(a)`), "no group with that name"},
		{compile(`(a)\10`), "no group with that name"},
		{compile(`(?z)`), "unknown flag"},
		{compile(`(?-u)`), "unknown flag"},
		{compile(`(?'a'x)`), "unknown kind of group"},
		{compile(`a\`), "a backslash at the end"},
		{compile(`\q`), "unknown escape"},
		{compile(`\<`), "unknown escape"},
		{compile(`\b{start}`), "unknown escape"},
		{compile(`[\b]`), "unknown escape"},
		{compile(`\x{110000}`), "not the code of a character"},
		{compile(`\xZ`), "not the code of a character"},
		{compile(`\x{41`), "not the code of a character"},
		{compile(`(?P=n`), "missing closing )"},
		{compile(`(?#`), "missing closing )"},
		{compile(`(?(n)a)`), "no group with that name"},
		{compile(`[[:nonsense:]]`), "a class inside a class"},
		{compile(`[\H]`), "unknown escape"},
		{compile(`a{x}`), "a { that begins no repetition"},
		{compile(`a{3,2}`), "not a regular expression: "},
		{compile(`*`), "missing argument to repetition operator"},
		{compile(`a**`), "invalid nested repetition operator"},
		{compile(`\p{Nonsense}`), "unknown unicode category, script, or property 'Nonsense'"},
		{"kumo.regex.compile(('('):rep(300) .. (')'):rep(300))", "more than 250 groups"},
		{"kumo.regex.compile(('a'):rep(70000))", "longer than 64 KiB"},
		{"kumo.regex.compile('\\255')", "not UTF-8"},
		{"kumo.regex.compile('a'):find('\\255')", "kumo.Regex:find: argument 1 (subject): not UTF-8"},
		{"kumo.regex.compile('a'):find(('a'):rep(2^17 + 1))", "longer than 128 KiB"},
		{"kumo.regex.compile('a'):replace_all(('a'):rep(2^17), ('b'):rep(200))", "the result would be longer than 16 MiB"},
		{"kumo.regex.compile('a'):find()", "argument 1 (subject): expected a string, got nil"},
	}.check(t)
}

// TestRegexEnds: a pattern that would take longer than the universe lasts is given
// up at the deadline of the state, and its error does not show the subject.
func TestRegexEnds(t *testing.T) {
	for _, method := range []string{"is_match", "find", "find_all", "captures", "split"} {
		err := within(t, 300*time.Millisecond, `kumo.regex.compile('^(a+)+$'):`+method+`(('a'):rep(60) .. 'secret')`)
		if err == nil || !strings.Contains(err.Error(), "kumo.Regex:"+method+": ") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got error %v; want one that says it took too long, without the subject", method, err)
		}
	}
	err := within(t, 300*time.Millisecond, `local re = kumo.regex.compile('a'); while true do re:find_all(('a'):rep(100000)) end`)
	if err == nil {
		t.Errorf("got no error from an endless loop; want one at the deadline")
	}
}

func FuzzTranslate(f *testing.F) {
	for _, seed := range []string{`(?P<n>a)\k<n>`, `[[:alpha:]\x41-\x{5a}]`, `(?x) a # b`, `(?i-m:$)$`, `a{1,2}`, `\pL\P{^L}`, `(?(1)a|b)`, `(?#x)`, `[]`, `\u{`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		if len(pattern) > 1000 {
			return
		}
		first, err := translate(pattern)
		if err != nil {
			if first.pattern != "" || first.names != nil {
				t.Fatalf("%q: got %+v beside the error %v; want nothing", pattern, first, err)
			}
			return
		}
		if _, err := newRegex(pattern); err != nil && err.Error() == "" {
			t.Fatalf("%q: got an error without text", pattern)
		}
	})
}

// TestRegexDeadline: the limit of a match is the deadline of the state where that
// is nearer than the limit for all.
func TestRegexDeadline(t *testing.T) {
	r, err := newRegex("x")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		after time.Duration
		own   bool
	}{{"near", time.Second, true}, {"far", time.Hour, false}} {
		L := state(t, Options{})
		deadline := time.Now().Add(c.after)
		ctx, cancel := context.WithDeadline(context.Background(), deadline)
		L.SetContext(ctx)
		L.Push(lua.LString("subject"))
		end := r.match(&call{L: L, params: params(param("subject", "", ""))}, 1).end
		cancel()
		if got := end.Equal(deadline); got != c.own || end.After(time.Now().Add(longestMatch)) {
			t.Errorf("%s deadline: got %v as the end; want the deadline itself %v", c.name, end, c.own)
		}
	}
}
