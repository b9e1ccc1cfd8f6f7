package web

import (
	"log/slog"
	"net/http"
	"time"
)

// What a client may take, so that one that stalls holds no goroutine for good.
const (
	headerTimeout = 10 * time.Second // to send its header
	readTimeout   = 30 * time.Second // to send its whole request
	writeTimeout  = time.Minute      // from its header on, until it has taken the answer
	idleTimeout   = 2 * time.Minute  // between requests: scrapers come back each 15 to 60 s
	maxHeader     = 64 << 10         // bytes
)

// NewServer is a server for h, usually a Handler. The web actor owns it: it
// opens the socket, runs Serve on a goroutine of its own, which closes the
// socket when it returns, and ends it with Shutdown, or Close once the grace
// is over. NewServer starts nothing.
//
// It has so many connections at once and no more; see connections.
//
// What net/http has to say is about clients that misbehave: it goes to log at
// debug.
func NewServer(h http.Handler, log *slog.Logger) *http.Server {
	all := newConnections(mostConnections)
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		ConnContext:       all.enter,
		ConnState:         all.leave,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		// OPTIONS * is a path like others: net/http would answer it past the Handler.
		DisableGeneralOptionsHandler: true,
	}
}
