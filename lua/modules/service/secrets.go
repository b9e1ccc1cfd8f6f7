package service

import (
	"errors"

	lua "github.com/yuin/gopher-lua"

	"github.com/troupe-proxy/troupe/lua/modules/service/internal/call"
	"github.com/troupe-proxy/troupe/lua/modules/spec"
)

var errNoKeys = errors.New("no key source can be read from here")

// secrets is kumo.secrets. Reading a key source is the state's: only it can call
// a handler.
func secrets() spec.Module {
	return spec.Module{
		Name: "kumo.secrets",
		Doc:  "Secrets from files, from HashiCorp Vault, or from a handler.",
		Functions: []spec.Function{{
			Name: "load",
			Params: []spec.Param{{Name: "source", Type: "string|table", Doc: "the name of a file; or a table with key_data; with vault_mount, vault_path, and if need be vault_key ('key'), " +
				"vault_address ($VAULT_ADDR) and vault_token ($VAULT_TOKEN); or with event_name and event_args"}},
			Results: []spec.Result{{Type: "string", Doc: "the secret, as bytes"}},
			Doc:     "Reads a secret, each time anew: put kumo.memoize before it where that is too often. It raises when it cannot be read; the error never holds the secret.",
			Call:    loadSecret,
		}},
	}
}

func loadSecret(e *spec.Env, L *lua.LState) int {
	if e.Key == nil {
		return call.Raise(L, "kumo.secrets.load", errNoKeys)
	}
	secret, err := e.Key(call.Context(L), L, L.Get(1))
	if err != nil {
		return call.Raise(L, "kumo.secrets.load", err)
	}
	L.Push(lua.LString(secret))
	return 1
}
