package actors

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/troupe-proxy/troupe/internal/limit"
	"github.com/troupe-proxy/troupe/internal/socks5"
	"github.com/troupe-proxy/troupe/lua/policy"
)

// errBanned says that a login was refused without being looked at, because too many
// before it had failed.
var errBanned = errors.New("too many logins have failed")

// logIn asks the policy who a client is, unless that is banned. A login that is
// refused by a ban gets its answer when another one that failed would have had it,
// so that the answer does not tell that the password was not looked at.
func (c *connection) logIn(ctx context.Context, d Decider, creds socks5.Credentials, meta policy.ConnMeta, books *account) (policy.AuthInfo, error) {
	began, bans := time.Now(), c.shared.bans
	who := c.limits.offenders(creds, meta)
	for _, one := range who {
		if bans.Banned(one.Offender, began) {
			lapse(ctx, bans.Takes())
			return policy.AuthInfo{}, errBanned
		}
	}
	info, err := c.limits.auth.authenticate(ctx, d, creds, meta, func(failure error) { books.staleLogin(c.shared.log, failure) })
	if len(who) > 0 && errors.Is(err, policy.ErrRefused) {
		now := time.Now()
		bans.Took(now.Sub(began))
		for _, one := range who {
			if bans.Fail(one.Offender, one.BanTerms, now) {
				books.sayBanned(c.shared.log, one.Offender, now)
			}
		}
	}
	return info, err
}

// offender is somebody whose failures count, and when they are too many.
type offender struct {
	limit.Offender
	limit.BanTerms
}

// offenders are those to whom a login that fails is put down.
func (l *limits) offenders(creds socks5.Credentials, meta policy.ConnMeta) []offender {
	var all []offender
	add := func(who limit.Offender, failures int) {
		if failures > 0 && who != (limit.Offender{}) {
			all = append(all, offender{who, limit.BanTerms{Failures: failures, Within: l.failures.Within, For: l.failures.Ban}})
		}
	}
	add(limit.Offender{Client: limit.Client(meta.Peer.Addr())}, l.failures.PerClient)
	add(limit.Offender{User: creds.User}, l.failures.PerUser)
	return all
}

// lapse waits for d, or until ctx ends.
func lapse(ctx context.Context, d time.Duration) {
	wait := time.NewTimer(d)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
	}
}

// sayBanned logs that a ban has begun, at most once a minute: who guesses may go
// through very many names.
func (a *account) sayBanned(log *slog.Logger, who limit.Offender, now time.Time) {
	if others, due := a.banned.due(now); due {
		log.Warn("logins are refused for a while, too many have failed", slog.String("listener", a.listener),
			slog.String("of", who.String()), slog.Int("others", others))
	}
}

// Bans are those in force, the first to end first. It may be called from any
// goroutine.
func (s *System) Bans() []limit.Ban { return s.config.Metrics.bans.All(time.Now()) }

// Unban ends a ban; false: there is none. by is who asks for it, for the log. It may
// be called from any goroutine.
func (s *System) Unban(who limit.Offender, by string) bool {
	lifted := s.config.Metrics.bans.Lift(who, time.Now())
	if lifted {
		s.config.Log(targetActors).Info("a ban was lifted by request", slog.String("of", who.String()), slog.String("by", by))
	}
	return lifted
}

// banFigures shows how many are banned.
type banFigures struct{ bans *limit.Bans }

var (
	bansNow = prometheus.NewDesc("proxy_auth_bans",
		"Clients and users whose logins are refused at the moment, because too many have failed; troupe bans names them.", nil, nil)
	bansBegun = prometheus.NewDesc("proxy_auth_bans_total",
		"Bans that have begun, see auth_failures. The logins that they refuse are in proxy_session_failures_total under the reason auth_banned.", nil, nil)
)

// Describe implements prometheus.Collector.
func (banFigures) Describe(ch chan<- *prometheus.Desc) {
	ch <- bansNow
	ch <- bansBegun
}

// Collect implements prometheus.Collector.
func (f banFigures) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.MustNewConstMetric(bansNow, prometheus.GaugeValue, float64(len(f.bans.All(time.Now()))))
	ch <- prometheus.MustNewConstMetric(bansBegun, prometheus.CounterValue, float64(f.bans.Begun()))
}
