package tlsconf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// KeySource is where PEM text is read from: a file, each time anew, or text that
// the policy itself holds. The policy keeps it as a plain value and reads
// nothing. The zero value is no source. It can be compared, and however it is
// printed, it never shows the text.
type KeySource struct {
	file   string
	data   string
	inline bool
}

// File is the file of a name, relative to the working directory.
func File(name string) KeySource { return KeySource{file: name} }

// Inline is the text itself.
func Inline(text string) KeySource { return KeySource{data: text, inline: true} }

// IsSet is false for the zero value.
func (k KeySource) IsSet() bool { return k != KeySource{} }

// String names the source.
func (k KeySource) String() string {
	switch {
	case k.inline:
		return "key_data"
	case k.file != "":
		return "file '" + k.file + "'"
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
	if k.inline {
		return []byte(k.data), nil
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
