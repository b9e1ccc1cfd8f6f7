//go:build unix

package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// post sends a request with a body, as KumoMTA's tools do.
func (d *daemon) post(path, contentType, body string) (status int, text string) {
	d.t.Helper()
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Post("http://"+d.http()+path, contentType, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	must(d.t, err)
	return response.StatusCode, string(answer)
}

// TestSurface: the endpoints beside metrics and status reach the daemon.
func TestSurface(t *testing.T) {
	t.Parallel()
	d := startPolicy(t, onePolicy)
	for path, want := range map[string]string{
		"/livez":                             "alive",
		"/readyz":                            "ready",
		"/readyz?listener=" + d.socks():      "ready",
		"/api/machine-info":                  `"process_kind":"proxy-server"`,
		"/api/admin/memory/stats":            "Lua states",
		"/api/admin/task-dump":               "net/http.",
		"/api-docs/openapi.json":             `"openapi": "3.1.`,
		"/rapidoc":                           "<!doctype html>",
		"/rapidoc/swagger-ui-bundle.js":      "SwaggerUIBundle",
		"/api/admin/task-dump?timeout=10000": "goroutines",
	} {
		if status, body := d.get(path); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: got %d %.200q; want 200 and %q", path, status, body, want)
		}
	}
	if status, body := d.get("/readyz?listener=192.0.2.1:1080"); status != 503 {
		t.Errorf("a listener that is not there: got %d %q; want 503", status, body)
	}
	const filter = "/api/admin/set_diagnostic_log_filter/v1"
	if status, body := d.post(filter, "application/json", `{"filter":"lua=everything"}`); status != 400 || !strings.Contains(body, "parsing log filter") {
		t.Errorf("a bad filter: got %d %q; want 400 and why", status, body)
	}
	if status, body := d.post(filter, "application/json", `{"filter":"proxy_server=off"}`); status != 200 || body != "" {
		t.Errorf("a filter: got %d %q; want 200", status, body)
	}
	d.endWell()
	if d.log.contains("shutting down") {
		t.Error("the log has a line that the filter forbids")
	}
}

// TestBump: who bumps the epoch has changed something, the policy perhaps.
func TestBump(t *testing.T) {
	t.Parallel()
	d := startEdited(t, onePolicy)
	must(t, os.WriteFile(d.path, []byte(onePolicy+"\n-- edited\n"), 0o600))
	if status, body := d.post("/api/admin/bump-config-epoch", "", ""); status != 200 || body != "" {
		t.Errorf("got %d %q; want 200 and nothing", status, body)
	}
	d.awaitFigure(1, "policy_reload_total", "result", "ok")
	if !d.log.contains("its epoch was bumped") {
		t.Error("the log does not say why the policy was reloaded")
	}
	d.endWell()
}

// TestMetadataIsComplete: each family that the daemon shows is in the metadata,
// with the same labels.
func TestMetadataIsComplete(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("troupe", "--dump-metric-metadata").Output()
	must(t, err)
	var all []struct {
		Name, Help string
		LabelNames []string `json:"label_names"`
	}
	must(t, json.Unmarshal(out, &all))
	known := make(map[string][]string)
	for _, one := range all {
		known[one.Name] = one.LabelNames
		if one.Help == "" {
			t.Errorf("%s: got no help", one.Name)
		}
	}
	d := startPolicy(t, strings.Replace(onePolicy, "start_proxy_listener { ", "start_proxy_listener { use_tls = true, ", 1))
	for name, family := range d.scrape().families {
		labels, there := known[name]
		if !there {
			t.Errorf("%s is not in the metadata", name)
			continue
		}
		for _, l := range family.GetMetric()[0].GetLabel() {
			if l.GetName() != "quantile" && !slices.Contains(labels, l.GetName()) {
				t.Errorf("%s: the label %s is not in the metadata", name, l.GetName())
			}
		}
	}
	d.endWell()
}
