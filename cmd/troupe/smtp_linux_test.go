package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net"
	"net/netip"
	"net/smtp"
	"testing"
	"time"
)

// TestSMTP is what the daemon is for: an MTA sends from two addresses of the
// proxy's host. The receiver sees each, gets the message as it was written, and
// the figures are those of both ends to the byte. On Linux the whole of
// 127.0.0.0/8 is this host's.
func TestSMTP(t *testing.T) {
	t.Parallel()
	d := startPolicy(t, onePolicy)
	server := newSMTPServer(t)
	message := mebibyte()

	var received, sent int64 // by the proxy, from and to its clients
	for _, source := range []string{"127.0.0.2", "127.0.0.3"} {
		client, bound := sendMail(t, d.socks(), netip.MustParseAddr(source), server.address, message)
		got := awaitDelivery(t, server)
		if got.client != bound || got.client.Addr().String() != source {
			t.Errorf("the server saw %v, the reply to CONNECT says %v; want both on %s and the same", got.client, bound, source)
		}
		if got.hash != sha256.Sum256(message) {
			t.Error("the message was changed on its way")
		}
		if got.from != "FROM:<sender@test> BODY=8BITMIME" || got.to != "TO:<receiver@test>" {
			t.Errorf("got envelope %q, %q", got.from, got.to)
		}
		if got.read != client.written.Load() || got.written != client.read.Load() {
			t.Errorf("the server read %d and wrote %d bytes; want %d and %d as the client wrote and read",
				got.read, got.written, client.written.Load(), client.read.Load())
		}
		received, sent = received+client.written.Load(), sent+client.read.Load()
	}

	listener := d.socks()
	d.awaitFigure(2, "proxy_connections_completed_total", "listener", listener)
	now := d.scrape()
	for name, want := range map[string]int64{
		"proxy_connections_accepted_total": 2,
		"proxy_connections_failed_total":   0,
		"proxy_connections_probed_total":   0,
		"proxy_active_connections":         0,
		"proxy_bytes_received_total":       received,
		"proxy_bytes_client_to_dest_total": received,
		"proxy_bytes_sent_total":           sent,
		"proxy_bytes_dest_to_client_total": sent,
	} {
		if got := now.value(name, "listener", listener); got != float64(want) {
			t.Errorf("got %s %v; want %d", name, got, want)
		}
	}
	for _, s := range [][]string{
		{"proxy_outbound_connections_total", "destination", "127.0.0.1"},
		{"proxy_dials_total", "result", "connected"},
		{"proxy_sessions_ended_total", "end", "fin"},
	} {
		if got := now.value(s[0], "listener", listener, s[1], s[2]); got != 2 {
			t.Errorf("got %s %v; want 2", s, got)
		}
	}
	checkJSON(t, d, received, sent)
}

// checkJSON looks at the same figures in the shape that KumoMTA's tools read.
func checkJSON(t *testing.T, d *daemon, received, sent int64) {
	t.Helper()
	families := d.scrapeJSON()
	for name, want := range map[string]int64{
		"proxy_connections_accepted_total":  2,
		"proxy_connections_completed_total": 2,
		"proxy_active_connections":          0,
		"proxy_bytes_received_total":        received,
		"proxy_bytes_sent_total":            sent,
	} {
		var v struct{ Listener map[string]int64 }
		if err := json.Unmarshal(families[name].Value, &v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got, found := v.Listener[d.socks()]; !found || got != want {
			t.Errorf("/metrics.json: got %s %s; want %d", name, families[name].Value, want)
		}
	}
	var outbound []map[string]any
	if err := json.Unmarshal(families["proxy_outbound_connections_total"].Value, &outbound); err != nil {
		t.Fatal(err)
	}
	for _, o := range outbound {
		if o["destination"] == "127.0.0.1" && o["listener"] == d.socks() && o["@"] == 2.0 {
			return
		}
	}
	t.Errorf("/metrics.json: got destinations %v; want 127.0.0.1 with 2", outbound)
}

// mebibyte is a message of 1 MiB, with lines that begin with a dot.
func mebibyte() []byte {
	lines := []byte("..a line that begins with two dots, and one that is long\n.\nthe one before was a dot\n\n")
	head := []byte("Subject: stories\n\n")
	body := bytes.Repeat(lines, 1<<20/len(lines)+1)[:1<<20-len(head)-1]
	return append(append(head, body...), '\n')
}

// sendMail delivers one message through the proxy. What it returns has counted
// the SMTP bytes, without those of SOCKS.
func sendMail(t *testing.T, proxy string, source netip.Addr, server netip.AddrPort, message []byte) (*counted, netip.AddrPort) {
	t.Helper()
	conn, bound := kumodConnect(t, proxy, source, server)
	return deliver(t, conn, message), bound
}

// deliver delivers one message over a connection to a mail server.
func deliver(t *testing.T, conn net.Conn, message []byte) *counted {
	t.Helper()
	c := &counted{Conn: conn}
	client, err := smtp.NewClient(c, "mx.test")
	must(t, err)
	must(t, client.Hello("mta.test"))
	must(t, client.Mail("sender@test"))
	must(t, client.Rcpt("receiver@test"))
	data, err := client.Data()
	must(t, err)
	_, err = io.Copy(data, bytes.NewReader(message))
	must(t, err)
	must(t, data.Close())
	must(t, client.Quit())
	return c
}

func awaitDelivery(t *testing.T, s *smtpServer) delivery {
	t.Helper()
	select {
	case d := <-s.deliveries:
		must(t, d.err)
		return d
	case <-time.After(patience):
		t.Fatal("the mail server got nothing")
		return delivery{}
	}
}
