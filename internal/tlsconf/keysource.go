package tlsconf

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/troupe-proxy/troupe/internal/keysource"
)

// KeySource is where PEM text is read from: a file, each time anew, text that the
// policy itself holds, or somebody who is asked each time anew. The policy keeps
// it as a plain value and reads nothing. The zero value is no source. Use Equal to
// compare, and however it is printed, it never shows the text.
type KeySource struct {
	file   string
	data   string
	inline bool
	remote keysource.Source
	loader *keysource.Loader
}

// askPatience is how long somebody who is asked for a text may take. Whoever
// starts or reloads the daemon waits.
const askPatience = 15 * time.Second

// File is the file of a name, relative to the working directory.
func File(name string) KeySource { return KeySource{file: name} }

// Inline is the text itself.
func Inline(text string) KeySource { return KeySource{data: text, inline: true} }

// Remote is what the loader gives for a source, a secret in Vault or what a
// handler of the policy returns. It is read for as long as the loader works.
func Remote(source keysource.Source, loader *keysource.Loader) KeySource {
	return KeySource{remote: source, loader: loader}
}

// IsSet is false for the zero value.
func (k KeySource) IsSet() bool { return k != KeySource{} }

// Equal says whether both name the same text. The loaders are not compared: each
// load of a policy has one of its own.
func (k KeySource) Equal(other KeySource) bool {
	k.loader, other.loader = nil, nil
	return k == other
}

// String names the source.
func (k KeySource) String() string {
	switch {
	case k.inline:
		return "key_data"
	case k.file != "":
		return "file '" + k.file + "'"
	case k.remote.IsSet():
		return k.remote.String()
	}
	return "nowhere"
}

// Format implements fmt.Formatter: every verb names the source. Without it %+v
// of a policy would show private keys.
func (k KeySource) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(k.String())) }

// MarshalText implements encoding.TextMarshaler, for logs.
func (k KeySource) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// read gives the text of the source.
func (k KeySource) read() ([]byte, error) {
	switch {
	case k.inline:
		return []byte(k.data), nil
	case k.loader != nil:
		ctx, cancel := context.WithTimeout(context.Background(), askPatience)
		defer cancel()
		return k.loader.Load(ctx, k.remote)
	}
	text, err := os.ReadFile(k.file)
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		err = path.Err // the name is in the message already
	}
	return text, err
}

// failure is a failed reading of what; the source is named.
func (k KeySource) failure(what string, err error) error {
	return fmt.Errorf("loading %s from %s: %w", what, k, err)
}

// isPrivateKey recognises the PEM types of PKCS #8, PKCS #1 and SEC 1.
func isPrivateKey(pemType string) bool {
	return pemType == "PRIVATE KEY" || strings.HasSuffix(pemType, " PRIVATE KEY")
}
