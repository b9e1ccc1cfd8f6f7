package access

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"time"
)

// ErrRefused says that the policy was asked and does not know these credentials.
var ErrRefused = errors.New("the credentials were refused")

// loginTTL is how long the policy is not asked about the same credentials again,
// as in KumoMTA.
const loginTTL = time.Minute

// Credentials are what a client of an HTTP listener shows. They are not to be
// printed; what prints them all the same shows no secret.
type Credentials struct {
	// Context is HTTPBasicAuth or BearerToken.
	Context string
	// User is empty with a token. It may itself be what should not be known, when
	// there is no password beside it.
	User string
	// Password is not used with a token. HasPassword is false when the client sent a
	// text without a colon.
	Password    string
	HasPassword bool
	Token       string
}

// Attempted is who the client says it is. A text without a colon may be a secret
// that somebody has put in the wrong place, so it is nobody.
func (c Credentials) Attempted() Identity {
	id := Identity{Context: c.Context}
	if c.HasPassword {
		id.Identity = c.User
	}
	return id
}

// Secret is the part that must not be shown.
func (c Credentials) Secret() string {
	switch {
	case c.Context == BearerToken:
		return c.Token
	case c.HasPassword:
		return c.Password
	}
	return c.User
}

// String implements fmt.Stringer.
func (c Credentials) String() string { return c.Context + " (secret)" }

// GoString implements fmt.GoStringer.
func (c Credentials) GoString() string { return c.String() }

// Login is who a client is that the policy has vouched for.
type Login struct {
	Identities []Identity
	Groups     []string
}

// Logins remembers for a while whom the policy has vouched for. A refusal is not
// remembered, nor an error. What is kept is no credential but a hash of one under
// a key that nobody else has, so that to compare it gives nothing away. It belongs
// to one policy; its methods may be called from any goroutine.
type Logins struct {
	secret [sha256.Size]byte
	known  *cache[loginKey, Login]
}

type loginKey [sha256.Size]byte

// NewLogins remembers nothing yet. Epoch is as with NewEngine.
func NewLogins(epoch func() uint64) *Logins {
	if epoch == nil {
		epoch = func() uint64 { return 0 }
	}
	l := &Logins{known: newCache[loginKey, Login](loginTTL, epoch)}
	_, _ = rand.Read(l.secret[:]) // never fails, see crypto/rand
	return l
}

// Login gives what ask has said about the credentials, now or before.
func (l *Logins) Login(ctx context.Context, c Credentials, ask func(context.Context, Credentials) (Login, error)) (Login, error) {
	return l.known.get(l.key(c), func() (Login, error) { return ask(ctx, c) })
}

func (l *Logins) key(c Credentials) (key loginKey) {
	mac := hmac.New(sha256.New, l.secret[:])
	kind := c.Context
	if c.HasPassword {
		kind += " with a password"
	}
	write(mac, kind, c.User, c.Password, c.Token)
	mac.Sum(key[:0])
	return key
}
