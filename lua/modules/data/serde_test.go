package data

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/value"
)

func TestJSONParse(t *testing.T) {
	cases{
		{`kumo.serde.json_parse('{"a": [1, 2.5, "x", true, null, {}], "b": null}')`,
			map[string]any{"a": []any{int64(1), 2.5, "x", true, nil, map[string]any{}}}},
		{`kumo.json_parse('[]')`, []any{}},
		{`kumo.json_parse('null')`, nil},
		{`kumo.json_parse(' "\\u00e9\\n" ')`, "é\n"},
		{`kumo.json_parse('9007199254740993')`, "9007199254740993"},
		{`kumo.json_parse('123456789012345678901234567890')`, "123456789012345678901234567890"},
		{`kumo.json_parse('1e3')`, int64(1000)},
		{"kumo.json_parse('// c\\n[1, /* [2, */ 3] # \"4')", []any{int64(1), int64(3)}},
		{"kumo.json_parse('[\"//\", \"/*\", \"#\", \"\\\\\"#\"]')", []any{"//", "/*", "#", `"#`}},
	}.check(t)
}

func TestJSONRefuses(t *testing.T) {
	refusals{
		{`kumo.json_parse('')`, "kumo.json_parse: argument 1 (text): not valid JSON: line 1, column 1: unexpected EOF"},
		{"kumo.serde.json_parse('{\\n  \"é\": x}')", "kumo.serde.json_parse: argument 1 (text): not valid JSON: line 2, column 8: invalid character 'x'"},
		{`kumo.json_parse('[1] 2')`, "line 1, column 5: more text behind the end of the value"},
		{`kumo.json_parse('[1, 2')`, "line 1, column 6: unexpected EOF"},
		{`kumo.json_parse('[1] /* x')`, "line 1, column 5: a comment begins here and does not end"},
		{`kumo.json_parse('"\255"')`, "line 1, column 2: not UTF-8"},
		{`kumo.json_parse(('['):rep(200) .. (']'):rep(200))`, "more than 100 tables stand inside one another"},
		{`kumo.json_parse(('['):rep(2e6))`, "more values than Lua can take"},
		{`kumo.json_parse('[' .. ('[],'):rep(2e5) .. '1]')`, "more than 1048576 values"},
		{`kumo.json_encode(print)`, "kumo.json_encode: argument 1 (value): a function is not plain data"},
		{`kumo.json_encode({a = {1, {print}}})`, "at a[2][1]: a function"},
		{`kumo.json_encode({a = '\255'})`, `at ["a"]: a string is not UTF-8`},
		{`kumo.json_encode((function() local s = ('x'):rep(1e6); local t = {}; for i = 1, 100 do t[i] = s end; return t end)())`,
			"the text would be longer than 16 MiB"},
		{`kumo.json_encode({[1] = 1, ['1'] = 2})`, `an integer key and a string key have the same text`},
	}.check(t)
}

// TestErrorsHoldNoText: the text of a document may be a secret.
func TestErrorsHoldNoText(t *testing.T) {
	L := state(t, Options{})
	for _, chunk := range []string{
		`kumo.json_parse('{"password": "hunter2" hunter2}')`,
		`kumo.serde.toml_parse('password = hunter2')`,
		"kumo.serde.yaml_parse('password: \"hunter2\\nx: [')",
		`kumo.uuid.parse('hunter2')`,
		`kumo.encode.base64_decode('hunter2!')`,
		`kumo.encode.hex_decode('hunter2')`,
		`kumo.time.parse_rfc3339('hunter2')`,
	} {
		if _, err := run(t, L, chunk); err == nil || strings.Contains(strings.Split(err.Error(), "stack traceback")[0], "hunter2") {
			t.Errorf("%s: got error %v; want one without the text", chunk, err)
		}
	}
}

func TestJSONEncode(t *testing.T) {
	cases{
		{"kumo.json_encode({})", "{}"},
		{"kumo.json_encode({1, 'a', true})", `[1,"a",true]`},
		{"kumo.json_encode({b = 1, a = {x = '<&>'}})", `{"a":{"x":"<&>"},"b":1}`},
		{"kumo.json_encode(kumo.json_parse('[]'))", "[]"},
		{"kumo.json_encode(kumo.json_parse('[1,null,3]'))", "[1,null,3]"},
		{"kumo.json_encode(nil)", "null"},
		{"kumo.json_encode(0/0)", "null"},
		{"kumo.json_encode({1/0})", "[null]"},
		{"kumo.json_encode(1e15)", "1000000000000000"},
		{"kumo.json_encode(0.5)", "0.5"},
		{"kumo.serde.json_encode_pretty({b = {1}, a = {}})", "{\n  \"a\": {},\n  \"b\": [\n    1\n  ]\n}"},
		{"kumo.json_encode_pretty('x')", `"x"`},
	}.check(t)
}

// TestRoundTrips: what the encoders write, the parsers read back to the same.
func TestRoundTrips(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	L := state(t, Options{})
	for _, pair := range [][2]string{
		{"json_encode", "json_parse"}, {"json_encode_pretty", "json_parse"},
		{"toml_encode", "toml_parse"}, {"toml_encode_pretty", "toml_parse"}, {"toml_encode_pretty_compact", "toml_parse"},
		{"yaml_encode", "yaml_parse"},
	} {
		for range 300 {
			v := randomTable(random, 4)
			L.SetGlobal("v", value.FromGo(L, v))
			got, err := run(t, L, "text = kumo.serde."+pair[0]+"(v); return kumo.serde."+pair[1]+"(text)")
			if err != nil || !reflect.DeepEqual(got, any(v)) {
				t.Fatalf("%s of %#v is\n%s\nwhich gives %#v, error %v", pair[0], v, L.GetGlobal("text"), got, err)
			}
		}
	}
}

func randomTable(random *rand.Rand, depth int) map[string]any {
	fields := map[string]any{}
	for range random.IntN(4) {
		fields[randomText(random)] = randomValue(random, depth-1)
	}
	return fields
}

func randomValue(random *rand.Rand, depth int) any {
	kinds := 6
	if depth == 0 {
		kinds = 4
	}
	switch random.IntN(kinds) {
	case 0:
		return random.Int64N(2000) - 1000
	case 1:
		f := random.NormFloat64() * math.Pow(10, float64(random.IntN(40)-20))
		if f == math.Trunc(f) && math.Abs(f) <= 1<<53 {
			return int64(f)
		}
		return f
	case 2:
		return randomText(random)
	case 3:
		return random.IntN(2) == 0
	case 4:
		return randomTable(random, depth)
	}
	list := []any{}
	for range random.IntN(4) {
		list = append(list, randomValue(random, depth-1))
	}
	return list
}

func randomText(random *rand.Rand) string {
	pieces := []string{"a", "Z", "0", " ", "\n", "\t", `"`, `\`, "'", "é", "😀", "\x01", "\x7f", ".", "-", "_", ":", "#", "yes", "null", "2001-01-01", "~", "[", "]", "{", "}", ",", "\r"}
	var out strings.Builder
	for range random.IntN(4) {
		out.WriteString(pieces[random.IntN(len(pieces))])
	}
	return out.String()
}

func TestTOML(t *testing.T) {
	cases{
		{"kumo.toml_parse('a = 1\\n[b]\\nc = [1, {d = 2}]\\nt = 2001-02-03T04:05:06Z\\nl = 2001-02-03\\n')",
			map[string]any{"a": int64(1), "b": map[string]any{
				"c": []any{int64(1), map[string]any{"d": int64(2)}}, "t": "2001-02-03T04:05:06Z", "l": "2001-02-03"}}},
		{"kumo.toml_encode({a = 1, b = {c = {1, 2}, d = {}}, e = {{f = 'x'}, {}}})",
			"a = 1\n\n[b]\nc = [1, 2]\n\n[b.d]\n\n[[e]]\nf = \"x\"\n\n[[e]]\n"},
		{"kumo.toml_encode_pretty({c = {1, 2}, d = {1}})", "c = [\n    1,\n    2,\n]\nd = [1]\n"},
		{"kumo.serde.toml_encode_pretty_compact({z = 1, b = {}, a = {x = {}}})", "b = {}\nz = 1\n\n[a]\nx = {}\n"},
		{"kumo.toml_encode({['a b'] = {[''] = 'q\"\\\\'}})", "[\"a b\"]\n\"\" = \"q\\\"\\\\\"\n"},
		{"kumo.toml_encode({a = {b = {c = 1}}})", "[a.b]\nc = 1\n"},
		{"kumo.toml_encode({a = 1e300, b = 0.5, c = 1/0, d = -1/0, e = 0/0})", "a = 1e+300\nb = 0.5\nc = inf\nd = -inf\ne = nan\n"},
		{"kumo.toml_encode({a = {{b = 1}, 2, {}}})", "a = [{ b = 1 }, 2, {}]\n"},
		// What bounds keys does not count what only looks like one.
		{"#kumo.toml_parse('a = \"' .. ('=\\\\\"'):rep(20000) .. '\"\\n#' .. ('='):rep(20000) .. '\\nb = 1').a", int64(40000)},
		{"#kumo.toml_parse('a = [' .. ('1.5,'):rep(20000) .. ']').a", int64(20000)},
		{`#kumo.toml_parse("a = '" .. ('.'):rep(20000) .. "'").a`, int64(20000)},
		{`#kumo.toml_parse("a = '''" .. ("'=\n"):rep(20000) .. "'''").a`, int64(60000)},
	}.check(t)
	refusals{
		{"kumo.toml_encode({1, 2})", "expected a table with names as keys"},
		{"kumo.toml_encode(1)", "expected a table with names as keys"},
		{"kumo.toml_encode({a = kumo.json_parse('[1,null,2]')})", "TOML has no nil"},
		{"kumo.toml_parse('a = 1\\nb = = 2')", "kumo.toml_parse: argument 1 (text): not valid TOML: line 2, column 5: "},
		{"kumo.toml_parse(('a.'):rep(5000) .. 'a = 1')", "nested too deep"},
		{"kumo.toml_parse('a = ' .. ('['):rep(100000))", "not valid TOML: "},
		{"kumo.toml_parse(('x=1\\n'):rep(20000))", "line 16385, column 2: more than 16384 keys and tables"},
		{"kumo.toml_parse(('[[x]]\\n'):rep(20000))", "line 16385, column 1: more than 16384 keys and tables"},
		{"kumo.toml_parse('a = \"' .. ('x'):rep(2^20) .. '\"')", "longer than 1 MiB"},
		{`kumo.toml_encode((function() local t = {}; local at = t; for i = 1, 90 do at[('k'):rep(100000)] = {x = 1}; at = at[('k'):rep(100000)] end; return t end)())`,
			"the text would be longer than 16 MiB"},
	}.check(t)
}

func TestYAML(t *testing.T) {
	cases{
		{"kumo.serde.yaml_parse('a: [1, yes, ~, x]\\nd: 2001-01-01\\n1: y\\n')",
			map[string]any{"a": []any{int64(1), "yes", nil, "x"}, "d": "2001-01-01", "1": "y"}},
		{"kumo.serde.yaml_parse('a: &x {b: 1}\\nc: *x\\nd: {<<: *x, e: 2}\\n')",
			map[string]any{"a": map[string]any{"b": int64(1)}, "c": map[string]any{"b": int64(1)},
				"d": map[string]any{"b": int64(1), "e": int64(2)}}},
		{"kumo.serde.yaml_parse('<<: [{a: 1, b: 1}, {b: 2, c: 2}]\\nc: 3\\n\"<<\": 4\\n')",
			map[string]any{"a": int64(1), "b": int64(1), "c": int64(3), "<<": int64(4)}},
		{"kumo.serde.yaml_parse('true: a\\n~: b\\n1.5: c\\n2001-01-01: d\\n')",
			map[string]any{"true": "a", "null": "b", "1.5": "c", "2001-01-01": "d"}},
		{"kumo.serde.yaml_parse('')", nil},
		{"kumo.serde.yaml_encode({a = {1, {b = 'yes'}}, c = '2001-01-01'})", "a:\n- 1\n- b: \"yes\"\nc: \"2001-01-01\"\n"},
	}.check(t)
	bomb := "a: &a [1,1,1,1,1,1,1,1,1,1]\\n"
	for i := 'b'; i < 'm'; i++ {
		alias := "*" + string(i-1)
		bomb += string(i) + ": &" + string(i) + " [" + strings.Repeat(alias+",", 9) + alias + "]\\n"
	}
	refusals{
		{"kumo.serde.yaml_parse('" + bomb + "')", "more values than Lua can take"},
		{"(function() local t = {}; for i = 1, 2^17 do t[i] = i end; return kumo.serde.yaml_encode(t) end)()", "more than 131072 values"},
		{"kumo.serde.yaml_parse('a: &x [*x]')", "an alias stands for something that it is a part of"},
		{"kumo.serde.yaml_parse('a: 1\\n---\\nb: 2\\n')", "line 2: a second document begins"},
		{"kumo.serde.yaml_parse('a: 1\\nb: [')", "not valid YAML: line "},
		{"kumo.serde.yaml_parse('a: 1\\na: 2')", "line 2, column 1: the key is there already"},
		{"kumo.serde.yaml_parse('1.0: a\\n\"1\": b')", "line 2, column 1: the key is there already"},
		{"kumo.serde.yaml_parse('? [a]\\n: b')", "line 1, column 3: a key must be text"},
		{"kumo.serde.yaml_parse('a: {<<: 1}')", "line 1, column 9: only mappings can be merged"},
		{"kumo.serde.yaml_parse('a: !!int secret')", "line 1, column 4: not a value of type !!int"},
		{"kumo.serde.yaml_parse(('['):rep(5000))", "not valid YAML: "},
		{"kumo.serde.yaml_parse(('['):rep(500) .. (']'):rep(500))", "nested too deep"},
	}.check(t)
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	L := state(t, Options{})
	for name, text := range map[string]string{"json": `{"a": 1} // c`, "toml": "a = 1", "yaml": "a: 1"} {
		L.SetGlobal("path", lua.LString(write("good."+name, text)))
		got, err := run(t, L, "return kumo.serde."+name+"_load(path)")
		if want := any(map[string]any{"a": int64(1)}); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s_load: got %#v, error %v; want %#v", name, got, err, want)
		}
	}
	bad := write("bad.json", "{\n \"a\" 1}")
	big := write("big.yaml", strings.Repeat(" ", 1<<20+1))
	for chunk, want := range map[string]string{
		"kumo.json_load(" + strconv.Quote(bad) + ")":                      "kumo.json_load: not valid JSON: " + bad + ":2:6: ",
		"kumo.json_load(" + strconv.Quote(dir) + ")":                      "not a regular file",
		"kumo.serde.yaml_load(" + strconv.Quote(big) + ")":                "longer than 1 MiB",
		"kumo.toml_load(" + strconv.Quote(filepath.Join(dir, "no")) + ")": filepath.Join(dir, "no"),
	} {
		if _, err := run(t, L, chunk); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v; want one with %q", chunk, err, want)
		}
	}
}

func FuzzJSONComments(f *testing.F) {
	for _, seed := range []string{`[1]`, "// a\n1", `/* " */ "x"`, `"\"#" # "`, `"/*`, `/*/ 1`, `"\`, `#`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		stripped, err := stripComments([]byte(text))
		switch {
		case err != nil:
			if stripped != nil {
				t.Fatalf("%q: got text beside the error %v; want none", text, err)
			}
		case len(stripped) != len(text) || strings.Count(string(stripped), "\n") != strings.Count(text, "\n"):
			t.Fatalf("%q: got %q; want all that is no comment in its place", text, stripped)
		case json.Valid([]byte(text)) && string(stripped) != text:
			t.Fatalf("%q: got %q; want JSON without comments unchanged", text, stripped)
		}
	})
}
