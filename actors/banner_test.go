package actors

import (
	"strings"
	"testing"
	"time"

	"github.com/troupe-proxy/troupe/internal/transport"
)

func TestReadBanner(t *testing.T) {
	for _, tt := range []struct {
		line  string
		whole bool
		want  BannerClass
	}{
		{"220 mx.example ESMTP", true, Banner2xx},
		{"220-mx.example", true, Banner2xx},
		{"220", true, Banner2xx},
		{"421 4.7.0 try later", true, Banner4xx},
		{"554 5.7.1 blocked using dnsbl.example", true, Banner5xx},
		{"554 5.7.1 " + strings.Repeat("x", 502), false, Banner5xx}, // longer than is told
		{"", false, BannerNone},
		{"", true, BannerOther},
		{"2", true, BannerOther},
		{"2x0 hello", true, BannerOther},
		{"2200 hello", true, BannerOther},
		{"354 go on", true, BannerOther},
		{"SSH-2.0-OpenSSH_9.2", true, BannerOther},
		{"\x16\x03\x01", false, BannerOther},
	} {
		got := readBanner(transport.Banner{Line: tt.line, Whole: tt.whole, After: time.Second})
		text := tt.line
		if tt.want == Banner2xx {
			text = ""
		}
		if want := (banner{class: tt.want, after: time.Second, text: text}); got != want {
			t.Errorf("%.30q: got %+v; want %+v", tt.line, got, want)
		}
	}
}

// TestBannerIsKept: what an upstream says first is known of its session, at the
// ports that it is asked for.
func TestBannerIsKept(t *testing.T) {
	echo, other := startUpstream(t), startUpstream(t)
	var w witness
	tr := startTree(t, witnessed(&w), func(s *setup) { s.banners = []uint16{echo.addr.Port()} })
	for i, tt := range []struct {
		upstream *upstream
		says     string
		class    BannerClass
		text     string
	}{
		{echo, "220 mx.example ESMTP\r\n", Banner2xx, ""},
		{echo, "554 5.7.1 blocked\r\n", Banner5xx, "554 5.7.1 blocked"},
		{echo, "421 go", Banner4xx, "421 go"},
		{echo, "", BannerNone, ""},
		{other, "554 5.7.1 blocked\r\n", BannerUnread, ""},
	} {
		c := tr.mustOpen(tt.upstream.addr)
		if tt.says != "" {
			must(t, c.echo(tt.says))
		}
		must(t, c.finish())
		e := w.next(t, i)
		if e.Banner != tt.class || e.BannerText != tt.text || (e.BannerAfter > 0) != (tt.class != BannerUnread) {
			t.Errorf("%.20q: got %v %q after %v; want %v %q", tt.says, e.Banner, e.BannerText, e.BannerAfter, tt.class, tt.text)
		}
	}
}
