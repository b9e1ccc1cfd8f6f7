package keysource

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
)

// vaultTimeout bounds a request when the caller has no deadline.
const vaultTimeout = 30 * time.Second

// maxReason is how much of Vault's own words an error repeats.
const maxReason = 200

// Errors of reading from Vault.
var (
	ErrVaultAddress  = errors.New("vault_address was not specified and $VAULT_ADDR is not set")
	ErrVaultToken    = errors.New("vault_token was not specified and $VAULT_TOKEN is not set")
	ErrVaultSettings = errors.New("the address or the environment of Vault is not usable")
	ErrVaultSealed   = errors.New("Vault is sealed or not initialized") //nolint:staticcheck // a name
	ErrVaultDenied   = errors.New("permission denied")
	ErrVaultMissing  = errors.New("there is no such secret")
	ErrVaultForm     = errors.New("the answer is not that of a key-value engine of version 2")
)

// fromVault asks for a secret of the second version of the key-value engine.
// https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2#read-secret-version
func (l Loader) fromVault(ctx context.Context, v Vault) ([]byte, error) {
	client, err := l.vaultClient(&v)
	if err != nil {
		return nil, fmt.Errorf("%w (vault_mount=%s, vault_path=%s)", err, v.Mount, v.Path)
	}
	defer client.CloneConfig().HttpClient.CloseIdleConnections()
	secret, err := client.KVv2(v.Mount).Get(ctx, v.Path)
	if err == nil && secret.Data == nil {
		err = api.ErrSecretNotFound // its last version is deleted
	}
	if err != nil {
		return nil, fmt.Errorf("kv2::read vault_mount=%s, vault_path=%s: %w", v.Mount, v.Path, vaultReason(ctx, err))
	}
	text, ok := secret.Data[v.Key].(string)
	if !ok {
		return nil, fmt.Errorf("vault secret at %s does not contain key '%s', or its value is not a string", v.Path, v.Key)
	}
	if len(text) > MaxSize {
		return nil, fmt.Errorf("vault secret at %s, key '%s': %w", v.Path, v.Key, ErrTooLong)
	}
	return []byte(text), nil
}

// vaultClient is a client for one reading. Vault's own variables, such as
// VAULT_CACERT and VAULT_NAMESPACE, hold for it as for Vault's command.
func (l Loader) vaultClient(v *Vault) (*api.Client, error) {
	if v.Address == "" {
		v.Address = l.getenv("VAULT_ADDR")
	}
	if v.Token == "" {
		v.Token = l.getenv("VAULT_TOKEN")
	}
	switch {
	case v.Address == "":
		return nil, ErrVaultAddress
	case v.Token == "":
		return nil, ErrVaultToken
	}
	config := api.DefaultConfig()
	if config.Error != nil {
		return nil, ErrVaultSettings // its text may hold what is in the environment
	}
	config.Address, config.AgentAddress = v.Address, ""
	config.Timeout = vaultTimeout
	config.MaxRetries = 0 // the caller's deadline is short, and it tells the operator more than a wait
	client, err := api.NewClient(config)
	if err != nil {
		return nil, ErrVaultSettings // an address may hold a password
	}
	client.SetToken(v.Token)
	return client, nil
}

// vaultReason is an error of Vault's client in one line, without the request and
// without what was read: the client prints the data that it does not understand.
func vaultReason(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, api.ErrSecretNotFound) {
		return ErrVaultMissing
	}
	if request := (*url.Error)(nil); errors.As(err, &request) {
		return request // its address has no password in it
	}
	answer := (*api.ResponseError)(nil)
	if !errors.As(err, &answer) {
		return ErrVaultForm
	}
	switch answer.StatusCode {
	case http.StatusServiceUnavailable:
		return ErrVaultSealed
	case http.StatusForbidden:
		return ErrVaultDenied
	}
	if answer.RawError {
		return fmt.Errorf("status %d", answer.StatusCode)
	}
	said := strings.Join(strings.Fields(strings.Join(answer.Errors, "; ")), " ")
	return fmt.Errorf("status %d: %s", answer.StatusCode, said[:min(len(said), maxReason)])
}
