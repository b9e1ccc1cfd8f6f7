// Package keysource reads secrets from where a policy says they are: a file, the
// policy itself, HashiCorp Vault, or a handler of the policy.
//
// A Source is a plain value that can be kept, compared and printed: it says where
// a secret is and reads nothing. A Loader reads. The package caches no secret and
// knows neither Lua nor TLS: sources come from the policy, what is read goes to
// whoever asked, and no secret gets into an error.
package keysource

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Source is where one secret is. Exactly one of its four kinds is set; the zero
// value is no source. It can be compared, and however it is printed, it shows
// neither the secret nor a token.
type Source struct {
	file   string
	inline bool
	data   string
	vault  Vault
	event  event
}

// Vault is a value in the second version of Vault's key-value engine.
type Vault struct {
	Mount   string // where the engine is mounted, such as "secret"
	Path    string // the secret below it
	Key     string // the field of the secret; "" means "key"
	Address string // such as "https://vault:8200"; "" means $VAULT_ADDR
	Token   string // "" means $VAULT_TOKEN
}

// event is a handler to call. The arguments are JSON text, so that a Source can
// be compared.
type event struct {
	name string
	args string
}

// Errors that say what is wrong with a source before anything is read.
var (
	ErrNoSource = errors.New("there is no key source")
	ErrArgument = errors.New("event_args cannot be kept: expected text, numbers, booleans and tables of these")
)

// File is the file of a name, relative to the working directory, read each time
// anew.
func File(name string) Source { return Source{file: name} }

// Inline is the secret itself.
func Inline(data string) Source { return Source{data: data, inline: true} }

// InVault is a value in Vault. Mount and Path must not be empty.
func InVault(v Vault) Source {
	if v.Key == "" {
		v.Key = "key"
	}
	return Source{vault: v}
}

// FromEvent is what the handler of an event returns when called with args, which
// are nil, bool, int64, float64, string, []any and map[string]any. The error is
// ErrArgument.
func FromEvent(name string, args []any) (Source, error) {
	if !plain(args) {
		return Source{}, ErrArgument
	}
	text, err := json.Marshal(args)
	if err != nil {
		return Source{}, ErrArgument
	}
	return Source{event: event{name: name, args: string(text)}}, nil
}

// plain says whether JSON keeps v as it is: it would mend text that is not UTF-8.
func plain(v any) bool {
	switch v := v.(type) {
	case string:
		return utf8.ValidString(v)
	case []any:
		for _, element := range v {
			if !plain(element) {
				return false
			}
		}
	case map[string]any:
		for name, field := range v {
			if !plain(name) || !plain(field) {
				return false
			}
		}
	}
	return true
}

// arguments are those of FromEvent.
func (e event) arguments() ([]any, error) {
	var args []any
	if err := json.Unmarshal([]byte(e.args), &args); err != nil {
		return nil, ErrArgument
	}
	return args, nil
}

// IsSet is false for the zero value.
func (s Source) IsSet() bool { return s != Source{} }

// String names the source.
func (s Source) String() string {
	switch {
	case s.inline:
		return "key_data"
	case s.file != "":
		return "file `" + s.file + "`"
	case s.vault != Vault{}:
		return fmt.Sprintf("vault_mount=%s, vault_path=%s", s.vault.Mount, s.vault.Path)
	case s.event != event{}:
		return "event " + s.event.name
	}
	return "nowhere"
}

// Format implements fmt.Formatter: every verb names the source. Without it %+v of
// a policy would show secrets.
func (s Source) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// MarshalText implements encoding.TextMarshaler, for logs.
func (s Source) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Format implements fmt.Formatter: a token must not be printed either.
func (v Vault) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(InVault(v).String())) }
