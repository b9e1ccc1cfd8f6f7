package actors

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/troupe-proxy/troupe/internal/tlsconf"
)

// certificates are those of every listener that serves TLS, HTTP included. Like
// the Ledger they are memory and no actor: whoever scrapes or reloads asks nobody.
type certificates struct {
	own tlsconf.SelfSigned

	mu     sync.Mutex
	served []certificate // in the order of their listeners' start
}

// certificate is that of one listener, by its bound address.
type certificate struct {
	listener string
	source   *tlsconf.Source
	log      *slog.Logger // of the listener's kind
}

var certificateNotAfter = prometheus.NewDesc("proxy_tls_certificate_not_after_seconds",
	"When the certificate of a listener expires, in seconds since 1970.", []string{"listener"}, nil)

// list adds the certificate of a listener whose socket is open, and says what
// clients will hold against it. A nil source is that of a listener without TLS.
func (c *certificates) list(log *slog.Logger, listener string, source *tlsconf.Source) {
	if source == nil {
		return
	}
	one := certificate{listener: listener, source: source, log: log}
	one.warn()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.served = append(c.served, one)
}

// drop takes a source off the list, if it is there.
func (c *certificates) drop(source *tlsconf.Source) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.served = slices.DeleteFunc(c.served, func(one certificate) bool { return one.source == source })
}

func (c *certificate) warn() {
	if w := c.source.Warning(time.Now()); w != "" {
		c.log.Warn(w, slog.String("listener", c.listener))
	}
}

// reload reads every source anew. Where that fails, the old certificate is kept,
// which the log and the error say.
func (c *certificates) reload() error {
	c.mu.Lock()
	served := slices.Clone(c.served) // a scrape must not wait for a slow disk
	c.mu.Unlock()
	var failures []error
	for _, one := range served {
		if err := one.source.Reload(); err != nil {
			one.log.Error("the old certificate is kept, the new one cannot be read",
				slog.String("listener", one.listener), slog.Any("error", err))
			failures = append(failures, fmt.Errorf("%s: %w", one.listener, err))
			continue
		}
		one.log.Info("certificate read anew",
			slog.String("listener", one.listener), slog.Time("not_after", one.source.NotAfter()))
		one.warn()
	}
	return errors.Join(failures...)
}

// Describe implements prometheus.Collector.
func (c *certificates) Describe(ch chan<- *prometheus.Desc) { ch <- certificateNotAfter }

// Collect implements prometheus.Collector.
func (c *certificates) Collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.served {
		ch <- prometheus.MustNewConstMetric(certificateNotAfter, prometheus.GaugeValue,
			float64(one.source.NotAfter().Unix()), one.listener)
	}
}
