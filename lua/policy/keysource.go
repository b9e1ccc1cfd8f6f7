package policy

import (
	"errors"
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/internal/keysource"
	"github.com/troupe-proxy/troupe/internal/tlsconf"
	"github.com/troupe-proxy/troupe/lua/value"
)

// keySourceForm is what a key source may be.
const keySourceForm = "a file name, or a table with key_data, with vault_mount and vault_path, or with event_name and event_args"

// tlsSettings are the keys that say how a listener speaks TLS.
type tlsSettings struct {
	use                               *bool
	certificate, privateKey, clientCA *tlsconf.KeySource
}

// fields are the known keys, in the order of messages.
func (s tlsSettings) fields() []field {
	return []field{
		{name: "use_tls", read: boolInto(s.use)},
		{name: "tls_certificate", read: keySourceInto(s.certificate)},
		{name: "tls_private_key", read: keySourceInto(s.privateKey)},
		{name: "tls_client_ca", read: keySourceInto(s.clientCA)},
	}
}

// check refuses keys that make no sense together. A listener whose clients were
// to show certificates must not serve plain text because one key is missing.
func (s tlsSettings) check(d *decoder) {
	const half = "expected %s beside it: both or neither, for a certificate of our own"
	switch {
	case s.certificate.IsSet() && !s.privateKey.IsSet() && !d.failed("tls_private_key"):
		d.fail("tls_certificate", half, "tls_private_key")
	case s.privateKey.IsSet() && !s.certificate.IsSet() && !d.failed("tls_certificate"):
		d.fail("tls_private_key", half, "tls_certificate")
	}
	if s.clientCA.IsSet() && !*s.use && !d.failed("use_tls") {
		d.fail("tls_client_ca", "expected use_tls = true beside it: without TLS no client can show a certificate")
	}
}

// keySourceInto reads a certificate or key source. What it holds never gets into
// a message. Nothing is read yet of what the source points to.
func keySourceInto(p *tlsconf.KeySource) reader {
	return func(d *decoder, key string, v lua.LValue) {
		source, err := keySource(v)
		if err != nil {
			d.fail(key, "expected %s, got %v", keySourceForm, err)
			return
		}
		t, ok := v.(*lua.LTable)
		if !ok {
			*p = tlsconf.File(lua.LVAsString(v))
			return
		}
		if text, inline := keyData(t); inline {
			*p = tlsconf.Inline(text)
			return
		}
		*p = tlsconf.Remote(source, d.loader)
	}
}

// What a value that should be a key source is instead. The texts end a sentence.
var (
	errEmptyName = errors.New(`""`)
	errNoForm    = errors.New("a table that is none of these")
)

// keySource reads the forms in KumoMTA's order; keys beyond those of a form are
// let pass, as there.
func keySource(v lua.LValue) (keysource.Source, error) {
	switch v := v.(type) {
	case lua.LString:
		if v == "" {
			return keysource.Source{}, errEmptyName
		}
		return keysource.File(string(v)), nil
	case *lua.LTable:
		return keyTable(v)
	}
	return keysource.Source{}, errors.New(v.Type().String())
}

func keyTable(t *lua.LTable) (keysource.Source, error) {
	text, inline := keyData(t)
	switch {
	case inline:
		return keysource.Inline(text), nil
	case isVault(t):
		field := func(key string) string { return lua.LVAsString(t.RawGetString(key)) }
		return keysource.InVault(keysource.Vault{
			Mount: field("vault_mount"), Path: field("vault_path"), Key: field("vault_key"),
			Address: field("vault_address"), Token: field("vault_token"),
		}), nil
	case isKeyEvent(t):
		args, err := value.ToGo(t.RawGetString("event_args"))
		if err != nil {
			return keysource.Source{}, fmt.Errorf("event_args that cannot be kept: %w", err)
		}
		list, _ := args.([]any) // an empty table is no list
		source, err := keysource.FromEvent(string(t.RawGetString("event_name").(lua.LString)), list)
		if err != nil {
			return keysource.Source{}, err
		}
		return source, nil
	}
	return keysource.Source{}, errNoForm
}

// keyData reads { key_data = bytes }, the bytes a string or an array of numbers.
func keyData(t *lua.LTable) (text string, ok bool) {
	switch data := t.RawGetString("key_data").(type) {
	case lua.LString:
		return string(data), true
	case *lua.LTable:
		bytes := make([]byte, data.Len())
		for i := range bytes {
			n, ok := data.RawGetInt(i + 1).(lua.LNumber)
			if !ok || n < 0 || n > 255 || n != lua.LNumber(byte(n)) {
				return "", false
			}
			bytes[i] = byte(n)
		}
		return string(bytes), len(bytes) > 0 && len(sortedKeys(data)) == len(bytes)
	}
	return "", false
}

func isVault(t *lua.LTable) bool {
	return isText(t, "vault_mount") && isText(t, "vault_path") &&
		isTextOrNil(t, "vault_key") && isTextOrNil(t, "vault_address") && isTextOrNil(t, "vault_token")
}

func isKeyEvent(t *lua.LTable) bool {
	_, args := t.RawGetString("event_args").(*lua.LTable)
	return args && isText(t, "event_name")
}

func isText(t *lua.LTable, key string) bool {
	_, ok := t.RawGetString(key).(lua.LString)
	return ok
}

func isTextOrNil(t *lua.LTable, key string) bool {
	return t.RawGetString(key) == lua.LNil || isText(t, key)
}
