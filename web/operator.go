package web

import (
	"net/http"

	"github.com/troupe-proxy/troupe/internal/history"
	"github.com/troupe-proxy/troupe/web/pages"
)

// Operator is what the pages for people show besides what the API has. Its
// functions are called from any goroutine, several at a time, and wait for nobody.
type Operator struct {
	// History is what the listeners had counted, the oldest first. Nil: there are
	// no plots and no rates.
	History func() []history.Sample
	// LastReload is how the policy was read last. Nil: that is not known.
	LastReload func() pages.Reload
	// LogFilter is the filter of the log in force. Nil: that is not known.
	LogFilter func() string
}

// operatorRows are the pages for people. within answers what they ask the API, for
// the client whose page it is.
func (c Config) operatorRows(within http.Handler) []row {
	all := pages.New(pages.Source{
		API: within, Gatherer: c.Gatherer, Listeners: c.operatorListeners, Draining: c.Draining,
		History: c.Operator.History, LastReload: c.Operator.LastReload, LogFilter: c.Operator.LogFilter,
		Log: c.Log, Version: c.Version,
	})
	var rows []row
	for _, route := range all.Routes() {
		rows = append(rows, row{route.Path, Trusted, route.Methods})
	}
	return rows
}

func (c Config) operatorListeners() []pages.Listener {
	var all []pages.Listener
	for _, l := range c.Status().Listeners {
		all = append(all, pages.Listener{
			Address: l.Listener, Accepting: l.Accepting, Drained: l.Drained, Since: l.Since, Restarts: l.Restarts, Failure: l.Failure,
		})
	}
	return all
}
