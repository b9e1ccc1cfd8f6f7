package main

import (
	"strings"
	"testing"
)

// TestStatus: everyone may know whether the proxy works; the figures are for
// trusted hosts.
func TestStatus(t *testing.T) {
	t.Parallel()
	closed := strings.Replace(onePolicy, "start_http_listener { ", "start_http_listener { trusted_hosts = {}, ", 1)
	for _, tc := range []struct {
		name, policy string
		metrics      int // status
	}{
		{"trusted", onePolicy, 200},
		{"not trusted", closed, 401},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := startPolicy(t, tc.policy)
			if status, body := d.get("/proxy/status"); status != 200 || body != "KumoProxy OK" {
				t.Errorf("/proxy/status: got %d %q; want 200 %q", status, body, "KumoProxy OK")
			}
			for _, path := range []string{"/metrics", "/metrics.json"} {
				status, body := d.get(path)
				if status != tc.metrics {
					t.Errorf("%s: got %d; want %d", path, status, tc.metrics)
				}
				if strings.Contains(body, "proxy_") != (status == 200) {
					t.Errorf("%s: got %d with %q", path, status, body)
				}
			}
		})
	}
}
