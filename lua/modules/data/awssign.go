package data

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
)

func signFunction() function {
	return function{
		name: "aws_sign_v4",
		doc:  "Signs a request for Amazon's services (AWS Signature Version 4). The request table has the fields access_key and secret_key (where the keys are: a file name, or a table as for every key), region, service, method and uri (a path, in which this function encodes what must be), and may have query_params, headers (in which host must be), payload, timestamp (RFC 3339; now, if absent) and session_token.",
		params: params(
			param("request", "table", "what to sign"),
		),
		results: returns("table", "a table with authorization, the value of the header of that name; timestamp, that of x-amz-date; and signature, canonical_request and string_to_sign"),
		do: func(c *call) int {
			r := c.awsRequest()
			signed := r.sign()
			t := c.L.NewTable()
			for name, text := range signed {
				t.RawSetString(name, lua.LString(text))
			}
			return c.push(t)
		},
	}
}

// awsRequest is what aws_sign_v4 gets.
type awsRequest struct {
	accessKey, secretKey string
	region, service      string
	method, uri, payload string
	query, headers       map[string]string // names of headers in lower case
	at                   time.Time
}

func (c *call) awsRequest() awsRequest {
	t := c.table(1)
	r := awsRequest{
		region: c.field(t, "region"), service: c.field(t, "service"),
		method: c.field(t, "method"), uri: c.field(t, "uri"),
		query:   c.strings(t, "query_params"),
		headers: map[string]string{},
		at:      c.timestamp(t),
	}
	for name, text := range c.strings(t, "headers") {
		r.headers[strings.ToLower(name)] = text
	}
	if _, has := r.headers["host"]; !has {
		c.bad(1, "the field headers must have host")
	}
	if t.RawGetString("payload") != lua.LNil {
		r.payload = c.field(t, "payload")
	}
	if t.RawGetString("session_token") != lua.LNil {
		r.headers["x-amz-security-token"] = c.field(t, "session_token")
	}
	r.accessKey = c.keyField(t, "access_key")
	r.secretKey = c.keyField(t, "secret_key")
	return r
}

func (c *call) field(t *lua.LTable, name string) string {
	text, ok := t.RawGetString(name).(lua.LString)
	if !ok {
		c.bad(1, "the field %s: expected a string, got %s", name, t.RawGetString(name).Type())
	}
	return c.short(1, string(text))
}

func (c *call) keyField(t *lua.LTable, name string) string {
	source := t.RawGetString(name)
	if source == lua.LNil {
		c.bad(1, "the field %s is missing", name)
	}
	return string(c.key(source))
}

// strings is a field that is a table of strings.
func (c *call) strings(t *lua.LTable, name string) map[string]string {
	all := map[string]string{}
	v := t.RawGetString(name)
	if v == lua.LNil {
		return all
	}
	fields, ok := v.(*lua.LTable)
	if !ok {
		c.bad(1, "the field %s: expected a table, got %s", name, v.Type())
	}
	for key, v := fields.Next(lua.LNil); key != lua.LNil; key, v = fields.Next(key) {
		_, isText := key.(lua.LString)
		if !isText || !lua.LVCanConvToString(v) {
			c.bad(1, "the field %s: expected strings by name", name)
		}
		all[key.String()] = c.short(1, v.String())
	}
	return all
}

func (c *call) timestamp(t *lua.LTable) time.Time {
	v := t.RawGetString("timestamp")
	if v == lua.LNil {
		return time.Now().UTC()
	}
	if m, ok := object[moment](v); ok {
		return m.UTC()
	}
	at, err := time.Parse(time.RFC3339Nano, c.field(t, "timestamp"))
	if err != nil {
		c.bad(1, "the field timestamp: expected a time such as 2015-08-30T12:36:00Z")
	}
	return at.UTC()
}

// sign follows "Create a signed AWS API request" of the IAM user guide, step by
// step.
func (r awsRequest) sign() map[string]string {
	const algorithm = "AWS4-HMAC-SHA256"
	stamp := r.at.Format("20060102T150405Z")
	day := stamp[:8]
	payload := hexSHA256(r.payload)
	r.headers["x-amz-date"] = stamp
	if r.service == "s3" {
		r.headers["x-amz-content-sha256"] = payload
	}
	headers, names := r.canonicalHeaders()
	canonical := strings.Join([]string{r.method, r.canonicalPath(), r.canonicalQuery(), headers, names, payload}, "\n")

	scope := strings.Join([]string{day, r.region, r.service, "aws4_request"}, "/")
	toSign := strings.Join([]string{algorithm, stamp, scope, hexSHA256(canonical)}, "\n")
	key := []byte("AWS4" + r.secretKey)
	for _, part := range []string{day, r.region, r.service, "aws4_request"} {
		key = hmacSHA256(key, part)
	}
	signature := hex.EncodeToString(hmacSHA256(key, toSign))
	return map[string]string{
		"authorization": fmt.Sprintf("%s Credential=%s/%s, SignedHeaders=%s, Signature=%s",
			algorithm, r.accessKey, scope, names, signature),
		"timestamp": stamp, "signature": signature,
		"canonical_request": canonical, "string_to_sign": toSign,
	}
}

func hexSHA256(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func hmacSHA256(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func (r awsRequest) canonicalPath() string {
	parts := strings.Split(r.uri, "/")
	for i := range parts {
		parts[i] = uriEncode(parts[i])
	}
	return cmp.Or(strings.Join(parts, "/"), "/")
}

func (r awsRequest) canonicalQuery() string {
	pairs := make([][2]string, 0, len(r.query))
	for name, text := range r.query {
		pairs = append(pairs, [2]string{uriEncode(name), uriEncode(text)})
	}
	// The order is that of the encoded names, which may differ from that of the names.
	slices.SortFunc(pairs, func(a, b [2]string) int { return cmp.Or(strings.Compare(a[0], b[0]), strings.Compare(a[1], b[1])) })
	out := make([]string, len(pairs))
	for i, pair := range pairs {
		out[i] = pair[0] + "=" + pair[1]
	}
	return strings.Join(out, "&")
}

// canonicalHeaders are the headers line by line with a blank line behind them,
// and their names.
func (r awsRequest) canonicalHeaders() (lines, names string) {
	sorted := slices.Sorted(maps.Keys(r.headers))
	var out strings.Builder
	for _, name := range sorted {
		out.WriteString(name + ":" + trimAll(r.headers[name]) + "\n")
	}
	return out.String(), strings.Join(sorted, ";")
}

// trimAll makes one blank of each row of them, and none at the ends, but leaves
// what is quoted.
func trimAll(text string) string {
	var out strings.Builder
	quoted, pending := false, false
	for _, b := range []byte(text) {
		if !quoted && (b == ' ' || b == '\t') {
			pending = true
			continue
		}
		if pending && out.Len() > 0 {
			out.WriteByte(' ')
		}
		pending = false
		if b == '"' {
			quoted = !quoted
		}
		out.WriteByte(b)
	}
	return out.String()
}

// uriEncode leaves the unreserved characters of RFC 3986.
func uriEncode(text string) string {
	var out strings.Builder
	for _, b := range []byte(text) {
		if isWordRune(rune(b)) || b == '-' || b == '.' || b == '~' {
			out.WriteByte(b)
		} else {
			fmt.Fprintf(&out, "%%%02X", b)
		}
	}
	return out.String()
}
