package actors

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/troupe-proxy/troupe/internal/socks5"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// cachedLogins is how many credentials of a listener are remembered at most.
const cachedLogins = 4096

// authCache remembers credentials that the policy has vouched for, so that the
// policy need not be asked each time and clients can go on while what it asks is
// down. A refusal is never remembered, and ends what was remembered. So does an
// answer that is none, which vouches for nobody, and another epoch, which a reload
// and kumo.bump_config_epoch begin. What is kept is no credential but a hash of one
// under a key that nobody else has. A nil *authCache remembers nothing. It may be
// used by any goroutine.
type authCache struct {
	ttl    time.Duration // how long nobody is asked
	usable time.Duration // how long a login may stand in for a failed policy; not below ttl
	secret [sha256.Size]byte
	logins *lru.Cache[loginKey, login]
}

type loginKey [sha256.Size]byte

type login struct {
	who   policy.AuthInfo
	epoch uint64 // in which the policy was asked
	at    time.Time
}

// newAuthCache is nil where nothing is to be remembered.
func newAuthCache(c policy.AuthCache) *authCache {
	if c.TTL <= 0 && c.StaleIfError <= 0 {
		return nil
	}
	logins, err := lru.New[loginKey, login](cachedLogins)
	if err != nil {
		panic(err) // the size is not positive
	}
	cache := &authCache{ttl: c.TTL, usable: c.TTL + c.StaleIfError, logins: logins}
	_, _ = rand.Read(cache.secret[:]) // never fails, see crypto/rand
	return cache
}

// authenticate asks d, or remembers what d has said. The client's address is part
// of what is remembered, since a handler may judge by it; its port is not. stale
// hears of the failure of a policy in whose place an earlier answer stands.
func (c *authCache) authenticate(ctx context.Context, d Decider, creds socks5.Credentials, meta policy.ConnMeta, stale func(failure error)) (policy.AuthInfo, error) {
	if c == nil {
		return d.Authenticate(ctx, creds.User, creds.Password, meta)
	}
	key := c.key(creds, meta)
	epoch := d.Epoch() // before it is asked: an answer may be older than a new epoch
	known, ok := c.logins.Get(key)
	ok = ok && known.epoch == epoch
	if ok && time.Since(known.at) < c.ttl {
		d.Remembered(creds.User, known.who, meta)
		return known.who, nil
	}
	asked := time.Now()
	who, err := d.Authenticate(ctx, creds.User, creds.Password, meta)
	switch {
	case err == nil:
		c.logins.Add(key, login{who: who, epoch: epoch, at: asked})
	case errors.Is(err, policy.ErrRefused), errors.Is(err, policy.ErrAnswer):
		c.logins.Remove(key)
	case ok && ctx.Err() == nil && time.Since(known.at) < c.usable:
		stale(err)
		d.Remembered(creds.User, known.who, meta)
		return known.who, nil
	}
	return who, err
}

// key is a hash of all that a handler is told, lengths included, so that no two
// clients have one key.
func (c *authCache) key(creds socks5.Credentials, meta policy.ConnMeta) (key loginKey) {
	mac := hmac.New(sha256.New, c.secret[:])
	peer := meta.Peer.Addr().String()
	local := meta.Local.String()
	for _, part := range []string{creds.User, creds.Password, peer, local} {
		_ = binary.Write(mac, binary.BigEndian, uint32(len(part))) // a hash takes everything
		_, _ = mac.Write([]byte(part))
	}
	mac.Sum(key[:0])
	return key
}

// staleLogins are the logins of a listener for which an earlier answer stood in.
type staleLogins struct {
	count atomic.Uint64
	said  sparing
}

// staleLogin books that a client was let in because it had been before, while the
// policy failed. The log says so at most once a minute: it may be every client. It
// may be called from any goroutine.
func (a *account) staleLogin(log *slog.Logger, failure error) {
	a.stale.count.Add(1)
	if others, due := a.stale.said.due(time.Now()); due {
		log.Warn("the policy fails, and clients are let in that it has let in before", slog.String("listener", a.listener),
			slog.Int("others", others), slog.Any("error", failure))
	}
}
