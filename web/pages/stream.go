package pages

import (
	"bytes"
	"net/http"
	"time"
)

const eventStream = "text/event-stream"

// How a page follows the proxy, in the format of server-sent events, HTML Living
// Standard section 9.2.
const (
	every = 2 * time.Second
	// streamLife is how long a stream lasts. The browser comes back by itself: then
	// access is looked at again, and by the policy of that time. It is less than a
	// server lets a request take, and bounds how long one holds an old policy.
	streamLife = 25 * time.Second
	// comeBack is after how many milliseconds a browser does.
	comeBack = "500"
)

// follow sends the part of a page that changes, at once and whenever it has.
func (p *Pages) follow(w http.ResponseWriter, r *http.Request, v view) {
	select {
	case p.watchers <- struct{}{}:
		defer func() { <-p.watchers }()
	default:
		http.Error(w, "Error: too many pages follow the proxy already", http.StatusServiceUnavailable)
		return
	}
	h := w.Header()
	h.Set("Content-Type", eventStream)
	h.Set("Cache-Control", "no-store")
	tick, end := time.NewTicker(every), time.NewTimer(streamLife)
	defer tick.Stop()
	defer end.Stop()
	_, _ = w.Write([]byte("retry: " + comeBack + "\n\n"))
	flusher := http.NewResponseController(w)
	var last []byte
	for {
		now, err := p.live(v, r)
		if err != nil {
			p.source.Log.Error("a page could not be made: " + err.Error())
			return
		}
		if !bytes.Equal(now, last) {
			last = now
			if writeEvent(w, now) != nil {
				return
			}
		}
		if flusher.Flush() != nil {
			return
		}
		select {
		case <-tick.C:
		case <-end.C:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// writeEvent sends one event, with a field for each line.
func writeEvent(w http.ResponseWriter, text []byte) error {
	var out bytes.Buffer
	out.WriteString("event: live\n")
	for line := range bytes.Lines(text) {
		out.WriteString("data: ")
		out.Write(bytes.TrimRight(line, "\r\n"))
		out.WriteByte('\n')
	}
	out.WriteByte('\n')
	_, err := w.Write(out.Bytes())
	return err
}
