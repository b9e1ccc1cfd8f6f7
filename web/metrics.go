package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
)

// metricsQuery are the parameters of /metrics.
type metricsQuery struct {
	Prefix string `query:"prefix" pattern:"^([A-Za-z_:][A-Za-z0-9_:]*)?$" description:"Put before the name of every family."`
}

// newMetricsHandler is GET /metrics: the Prometheus text format or OpenMetrics,
// as the client asks, compressed if it can be. What could be gathered is sent
// even when something could not.
//
// ?prefix=P puts P before every name, for one who scrapes several services.
func newMetricsHandler(c Config) http.Handler {
	plain := exposition(c.Gatherer, c.Log)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		prefix, err := prefixOf(r.URL)
		switch {
		case err != nil:
			writeError(w, http.StatusBadRequest, err.Error())
		case prefix == "":
			plain.ServeHTTP(w, r)
		default:
			exposition(prefixed{c.Gatherer, prefix}, c.Log).ServeHTTP(w, r)
		}
	})
}

func exposition(g prometheus.Gatherer, log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(g, promhttp.HandlerOpts{
		ErrorLog:          promLog{log},
		ErrorHandling:     promhttp.ContinueOnError,
		EnableOpenMetrics: true,
		// As for any other answer, elsewhere.
		DisableCompression: true,
	})
}

// promLog lets promhttp log to slog.
type promLog struct{ log *slog.Logger }

func (p promLog) Println(v ...any) { p.log.Error("serving metrics: " + fmt.Sprint(v...)) }

// prefixOf is the prefix that the query asks for, which must be able to begin
// a name, or no prefix.
func prefixOf(u *url.URL) (string, error) {
	query, err := parseQuery(u, "prefix")
	if err != nil {
		return "", err
	}
	prefix := query["prefix"]
	for i, c := range []byte(prefix) {
		digit := '0' <= c && c <= '9'
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c == ':'
		if !letter && (!digit || i == 0) {
			return "", fmt.Errorf("prefix %q: expected letters, digits, '_' and ':', and no digit first", cut(prefix))
		}
	}
	return prefix, nil
}

// prefixed is a gatherer whose names have a prefix.
type prefixed struct {
	prometheus.Gatherer
	prefix string
}

// Gather implements prometheus.Gatherer. List and families are made anew: those
// gathered may be shared with another request.
func (p prefixed) Gather() ([]*dto.MetricFamily, error) {
	gathered, err := p.Gatherer.Gather()
	families := make([]*dto.MetricFamily, len(gathered))
	for i, f := range gathered {
		name := p.prefix + f.GetName()
		families[i] = &dto.MetricFamily{Name: &name, Help: f.Help, Type: f.Type, Unit: f.Unit, Metric: f.Metric}
	}
	return families, err
}
