package rules

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// written is a destination in its plainest form, to compare what was read.
func written(d Destination) string {
	host := "*"
	if d.prefix.IsValid() {
		host = d.prefix.String()
	}
	if d.ports == nil {
		return host
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	var ports []string
	for _, r := range d.ports {
		ports = append(ports, fmt.Sprintf("%d-%d", r.low, r.high))
	}
	return host + ":" + strings.Join(ports, ",")
}

func TestParseDestination(t *testing.T) {
	for text, want := range map[string]string{
		"*":                       "*",
		"any":                     "*",
		"192.0.2.1":               "192.0.2.1/32",
		"10.0.0.0/8":              "10.0.0.0/8",
		"0.0.0.0/0":               "0.0.0.0/0",
		"::/0":                    "::/0",
		"::1":                     "::1/128",
		"2001:db8::/32":           "2001:db8::/32",
		"[2001:db8::/32]":         "2001:db8::/32",
		"::ffff:10.0.0.0/104":     "10.0.0.0/8",
		"::ffff:192.0.2.1":        "192.0.2.1/32",
		"[::ffff:192.0.2.1]:25":   "192.0.2.1/32:25-25",
		"25":                      "*:25-25",
		"*:25":                    "*:25-25",
		"any:25":                  "*:25-25",
		"587-2525":                "*:587-2525",
		"1-65535":                 "*:1-65535",
		"25,587":                  "*:25-25,587-587",
		"587,25,26,20-30":         "*:20-30,587-587",
		"1-2,3,65535":             "*:1-3,65535-65535",
		"0025":                    "*:25-25",
		"192.0.2.1:25":            "192.0.2.1/32:25-25",
		"10.0.0.0/8:25,587-2525":  "10.0.0.0/8:25-25,587-2525",
		"[2001:db8::/32]:25":      "[2001:db8::/32]:25-25",
		"[2001:db8::1]:465,25-26": "[2001:db8::1/128]:25-26,465-465",
		"2001:db8::1:25":          "2001:db8::1:25/128", // an address, as everywhere
	} {
		d, err := ParseDestination(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := written(d); got != want || d.String() != text {
			t.Errorf("%q: got %s, written %q; want %s", text, got, d, want)
		}
	}
}

func TestParseDestinationRefuses(t *testing.T) {
	for text, want := range map[string]EntryError{
		"":                        {Problem: Empty},
		" ":                       {Problem: Blanks},
		"\u00a010.0.0.0/8":        {Problem: Blanks, Meant: "10.0.0.0/8"},
		"25, 587":                 {Problem: Blanks, Meant: "25,587"},
		"10.0.0.0/8 :x":           {Problem: Blanks},
		"10.0.0":                  {Problem: NotAddress},
		"10.0.0.256":              {Problem: NotAddress},
		"010.0.0.1":               {Problem: NotAddress},
		"10.0.0.1-10.0.0.9":       {Problem: NotAddress},
		":25":                     {Problem: NotAddress},
		"::g":                     {Problem: NotAddress},
		"**":                      {Problem: NotAddress},
		"mx.example.com":          {Problem: IsName},
		"mx.example.com:25":       {Problem: IsName},
		"Any":                     {Problem: IsName},
		"10.0.0.1/8":              {Problem: HostBits, Meant: "10.0.0.0/8"},
		"10.0.0.1/8:25":           {Problem: HostBits, Meant: "10.0.0.0/8:25"},
		"[2001:db8::1/32]:25":     {Problem: HostBits, Meant: "[2001:db8::/32]:25"},
		"::ffff:10.1.0.0/104":     {Problem: HostBits, Meant: "::ffff:10.0.0.0/104"},
		"10.0.0.0/33":             {Problem: PrefixLength},
		"10.0.0.0/":               {Problem: PrefixLength},
		"10.0.0.0/255.0.0.0":      {Problem: PrefixLength},
		"2001:db8::/129":          {Problem: PrefixLength},
		"10.0.0.0/33:25":          {Problem: PrefixLength},
		"fe80::1%eth0":            {Problem: HasZone},
		"[fe80::1%eth0]:25":       {Problem: HasZone},
		"fe80::%eth0/10":          {Problem: HasZone},
		"2001:db8::/32:25":        {Problem: NoBrackets, Meant: "[2001:db8::/32]:25"},
		"2001:db8::1:25-26":       {Problem: NoBrackets, Meant: "[2001:db8::1]:25-26"},
		"[192.0.2.1]:25":          {Problem: BadBrackets},
		"[2001:db8::]/32:25":      {Problem: BadBrackets},
		"[2001:db8::":             {Problem: BadBrackets},
		"[]":                      {Problem: BadBrackets},
		"[::1]25":                 {Problem: BadBrackets},
		"[::1]:":                  {Problem: BadPort},
		"10.0.0.1/8:0":            {Problem: HostBits}, // no hint: the port is wrong too
		"192.0.2.1:":              {Problem: BadPort},
		"192.0.2.1:smtp":          {Problem: BadPort},
		"192.0.2.1:+25":           {Problem: BadPort},
		"0":                       {Problem: BadPort},
		"65536":                   {Problem: BadPort},
		"99999999999999999999":    {Problem: BadPort},
		"25,":                     {Problem: BadPort},
		",":                       {Problem: BadPort},
		"-":                       {Problem: BadPort},
		"-25":                     {Problem: BadPort},
		"25-":                     {Problem: BadPort},
		"25-26-27":                {Problem: BadPort},
		"587-25":                  {Problem: PortOrder},
		"[2001:db8::/32]:587-25":  {Problem: PortOrder},
		"192.0.2.1:25:26":         {Problem: NotAddress},
		"10.0.0.0/8,192.0.2.0/24": {Problem: PrefixLength},
	} {
		want.Text = text
		d, err := ParseDestination(text)
		wantEntryError(t, text, err, want)
		if !reflect.DeepEqual(d, Destination{}) {
			t.Errorf("%q: got %+v beside the error; want nothing", text, d)
		}
	}
}

func TestParseNetwork(t *testing.T) {
	for text, want := range map[string][]string{
		"*":                   {"0.0.0.0/0", "::/0"},
		"any":                 {"0.0.0.0/0", "::/0"},
		"192.0.2.1":           {"192.0.2.1/32"},
		"::ffff:10.0.0.0/104": {"10.0.0.0/8"},
		"2001:db8::/32":       {"2001:db8::/32"},
	} {
		n, err := ParseNetwork(text)
		if got := n.prefixes(); err != nil || !slices.Equal(got, mustPrefixes(want...)) || n.String() != text {
			t.Errorf("%q: got %v, written %q, error %v; want %v", text, got, n, err, want)
		}
	}
	for text, want := range map[string]EntryError{
		"":                     {Problem: Empty},
		"10.1.2.3/8":           {Problem: HostBits, Meant: "10.0.0.0/8"},
		" 10.0.0.0/8 ":         {Problem: Blanks, Meant: "10.0.0.0/8"},
		"10.0.0.0/8 :25":       {Problem: Blanks},
		"10.0.0.0/8:25":        {Problem: HasPort},
		"[2001:db8::/32]:25":   {Problem: HasPort},
		"25":                   {Problem: HasPort},
		"*:25":                 {Problem: HasPort},
		"mta1.example.com":     {Problem: IsName},
		"10.0.0.0/-1":          {Problem: PrefixLength},
		"fe80::1%eth0":         {Problem: HasZone},
		"localhost/8":          {Problem: IsName},
		"[::1]":                {Problem: BadBrackets},
		"192.0.2.1, 192.0.2.2": {Problem: Blanks},
	} {
		want.Text = text
		_, err := ParseNetwork(text)
		wantEntryError(t, text, err, want)
	}
}

func wantEntryError(t *testing.T, text string, err error, want EntryError) {
	t.Helper()
	bad, ok := errors.AsType[*EntryError](err)
	if !ok || *bad != want {
		t.Errorf("%q: got %+v; want %+v", text, err, want)
		return
	}
	if problemTexts[bad.Problem] == "" || !strings.Contains(err.Error(), bad.Why()) {
		t.Errorf("%q: got the message %q; want one that says why", text, err)
	}
}

func TestEntryErrorNamesWhatWasMeant(t *testing.T) {
	_, err := ParseNetwork("10.1.2.3/8")
	if got, want := err.Error(), `"10.1.2.3/8": host bits are set, did you mean '10.0.0.0/8'?`; got != want {
		t.Errorf("got %s; want %s", got, want)
	}
}

// FuzzParseDestination: what is read means the same when written plainly and
// read again, what was meant can be read, and a network is a destination.
func FuzzParseDestination(f *testing.F) {
	for _, seed := range []string{
		"*", "any:25", "25,587-2525", "10.0.0.0/8:25", "[2001:db8::/32]:465", "::ffff:10.0.0.0/104", "2001:db8::/32:25",
		"10.1.2.3/8", " 25 ,\t26", "[::]:1-65535", "fe80::1%eth0", "[", "]:25", "-,", "::/0:0", "mx.example.com:25",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if n, err := ParseNetwork(text); err == nil {
			d, err := ParseDestination(text)
			if err != nil || d.prefix != n.prefix || d.ports != nil {
				t.Errorf("%q is the network %v; as a destination got %+v, %v", text, n.prefix, d, err)
			}
		}
		d, err := ParseDestination(text)
		if err != nil {
			bad, ok := errors.AsType[*EntryError](err)
			if !ok || bad.Text != text || problemTexts[bad.Problem] == "" {
				t.Fatalf("%q: got %#v; want an EntryError about it", text, err)
			}
			if _, err := ParseDestination(bad.Meant); bad.Meant != "" && err != nil {
				t.Errorf("%q: got the hint %q, which is none: %v", text, bad.Meant, err)
			}
			return
		}
		for i, r := range d.ports {
			if r.low == 0 || r.low > r.high || i > 0 && int(r.low) <= int(d.ports[i-1].high)+1 {
				t.Errorf("%q: got the ports %v; want them in order and apart", text, d.ports)
			}
		}
		if p := d.prefix; p.IsValid() && (p != p.Masked() || p.Addr().Is4In6() || p.Addr().Zone() != "") {
			t.Errorf("%q: got the network %v; want it canonical", text, p)
		}
		again, err := ParseDestination(written(d))
		if err != nil || written(again) != written(d) {
			t.Errorf("%q: written as %s, got %+v, %v when read again", text, written(d), again, err)
		}
	})
}
