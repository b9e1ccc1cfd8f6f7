package keysource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const token = "hvs.secret-token"

// fakeVault speaks as much of Vault's HTTP interface as reading a secret needs.
func fakeVault(t *testing.T) *httptest.Server {
	t.Helper()
	answers := map[string]struct {
		status int
		body   string
	}{
		"/v1/secret/data/tls":     {200, `{"data":{"data":{"key":"the secret","cert":"the cert","number":7},"metadata":{"version":3,"created_time":"2024-01-01T00:00:00Z"}}}`},
		"/v1/secret/data/deleted": {404, `{"data":{"data":null,"metadata":{"version":3,"created_time":"2024-01-01T00:00:00Z","deletion_time":"2024-01-02T00:00:00Z"}}}`},
		"/v1/secret/data/sealed":  {503, `{"errors":["Vault is sealed"]}`},
		"/v1/secret/data/broken":  {500, `{"errors":["1 error occurred:\n\t* no disk\n"]}`},
		"/v1/secret/data/raw":     {502, "the secret leaks here"},
		"/v1/old/data/tls":        {200, `{"data":{"data":"the secret"}}`},
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := answers[r.URL.Path]
		switch {
		case r.Header.Get("X-Vault-Token") != token:
			a.status, a.body = 403, `{"errors":["permission denied"]}`
		case !ok:
			a.status, a.body = 404, `{"errors":[]}`
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, a.body)
	}))
	t.Cleanup(s.Close)
	return s
}

func environment(values map[string]string) Loader {
	return Loader{Getenv: func(name string) string { return values[name] }}
}

func TestVault(t *testing.T) {
	s := fakeVault(t)
	explicit := Vault{Mount: "secret", Path: "tls", Address: s.URL, Token: token}
	l := environment(nil)
	if data, err := l.Load(t.Context(), InVault(explicit)); err != nil || string(data) != "the secret" {
		t.Errorf("default key: got %q, %v; want the secret", data, err)
	}
	explicit.Key = "cert"
	if data, err := l.Load(t.Context(), InVault(explicit)); err != nil || string(data) != "the cert" {
		t.Errorf("named key: got %q, %v; want the cert", data, err)
	}
	l = environment(map[string]string{"VAULT_ADDR": s.URL, "VAULT_TOKEN": token})
	if data, err := l.Load(t.Context(), InVault(Vault{Mount: "secret", Path: "tls"})); err != nil || string(data) != "the secret" {
		t.Errorf("from the environment: got %q, %v; want the secret", data, err)
	}
}

func TestVaultRefusals(t *testing.T) {
	s := fakeVault(t)
	for _, c := range []struct {
		path, token, key string
		want             error
		text             string
	}{
		{path: "secret/tls", token: "wrong-token", want: ErrVaultDenied, text: "vault_mount=secret, vault_path=tls: permission denied"},
		{path: "secret/none", want: ErrVaultMissing},
		{path: "secret/deleted", want: ErrVaultMissing},
		{path: "secret/sealed", want: ErrVaultSealed},
		{path: "old/tls", want: ErrVaultForm},
		{path: "secret/broken", text: "status 500: 1 error occurred: * no disk"},
		{path: "secret/raw", text: "status 502"},
		{path: "secret/tls", key: "absent", text: "vault secret at tls does not contain key 'absent'"},
		{path: "secret/tls", key: "number", text: "vault secret at tls does not contain key 'number', or its value is not a string"},
	} {
		mount, path, _ := strings.Cut(c.path, "/")
		v := Vault{Mount: mount, Path: path, Key: c.key, Address: s.URL, Token: c.token}
		if v.Token == "" {
			v.Token = token
		}
		_, err := environment(nil).Load(t.Context(), InVault(v))
		if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%+v: got %v", c, err)
		}
		for _, secret := range []string{"the secret", v.Token} {
			if strings.Contains(fmt.Sprint(err), secret) {
				t.Errorf("%s: the error shows a secret: %v", c.path, err)
			}
		}
	}
}

func TestVaultSettings(t *testing.T) {
	v := Vault{Mount: "secret", Path: "tls"}
	if _, err := environment(nil).Load(t.Context(), InVault(v)); !errors.Is(err, ErrVaultAddress) {
		t.Errorf("got %v; want %v", err, ErrVaultAddress)
	}
	v.Address = "http://user:hunter2@127.0.0.1:1"
	if _, err := environment(nil).Load(t.Context(), InVault(v)); !errors.Is(err, ErrVaultToken) {
		t.Errorf("got %v; want %v", err, ErrVaultToken)
	}
	v.Token = token
	_, err := environment(nil).Load(t.Context(), InVault(v))
	if err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), token) {
		t.Errorf("nobody listens: got %v; want an error without secrets", err)
	}
	v.Address = "http://user:hunter2@[::1"
	if _, err := environment(nil).Load(t.Context(), InVault(v)); !errors.Is(err, ErrVaultSettings) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("bad address: got %v; want %v", err, ErrVaultSettings)
	}
}

func TestVaultEndsWithContext(t *testing.T) {
	asked, release := make(chan struct{}), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer s.Close()
	defer close(release)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	_, err := environment(nil).Load(ctx, InVault(Vault{Mount: "secret", Path: "tls", Address: s.URL, Token: token}))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v; want %v", err, context.Canceled)
	}
}
