package policy

import (
	"testing"
	"time"
)

// A fraction of a second used to be refused. KumoMTA cuts it off.
func TestKeepAliveInWholeSeconds(t *testing.T) {
	p, err := LoadSource(t.Context(), "p.lua", []byte(`local kumo, proxy = require 'kumo', require 'proxy'
kumo.on('proxy_init', function()
  proxy.start_proxy_listener { listen = '127.0.0.1:1080', tcp_keepalive = { time = '1500ms', interval = 32767.9 } }
end)`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if got := p.Listeners[0].KeepAlive; got.Time != time.Second || got.Interval != 32767*time.Second {
		t.Errorf("got %+v; want 1s and 32767s", got)
	}
}
