package pages

import (
	"net/http"
	"net/url"

	"github.com/troupe-proxy/troupe/internal/adminclient"
)

const drainPath = "/api/admin/drain"

// drain is a POST from the first page: a listener, or all if none is named, is to
// take no more clients, or to take them again.
func (p *Pages) drain(w http.ResponseWriter, r *http.Request) {
	fields, confirmed, err := posted(r, "do", "listener")
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	listener := fields["listener"]
	switch {
	case fields["do"] == "undrain":
		p.undrain(w, r, listener)
	case fields["do"] != "drain":
		p.refuse(w, r, &problem{http.StatusUnprocessableEntity, "do: expected drain or undrain"})
	case !confirmed:
		p.askDrain(w, r, listener)
	default:
		var done adminclient.Drained
		if err := p.ask(r, http.MethodPost, drainPath, nil, ofListener(listener), &done); err != nil {
			p.refuse(w, r, err)
			return
		}
		p.tell(w, r, capital(whichListeners(listener))+" takes no more clients. "+howManyLeft(done.Sessions))
	}
}

// askDrain says what the drain will do.
func (p *Pages) askDrain(w http.ResponseWriter, r *http.Request, listener string) {
	var open adminclient.Sessions
	query := url.Values{"limit": {"1"}}
	for name, value := range ofListener(listener) {
		query.Set(name, value)
	}
	if err := p.ask(r, http.MethodGet, sessionsPath, query, nil, &open); err != nil {
		p.refuse(w, r, err)
		return
	}
	fields := ofListener(listener)
	fields["do"] = "drain"
	p.confirm(w, r, notice{
		Heading: "Drain " + whichListeners(listener) + "?",
		Text: "It takes the clients who have come, and refuses others until this is undone, so that they go elsewhere. " +
			howManyLeft(open.Total) + " Health checks say that it is not ready.",
		Fields: fields, Button: "Drain " + whichListeners(listener),
	})
}

// undrain needs no question: it cuts nothing.
func (p *Pages) undrain(w http.ResponseWriter, r *http.Request, listener string) {
	query := url.Values{}
	for name, value := range ofListener(listener) {
		query.Set(name, value)
	}
	if err := p.ask(r, http.MethodDelete, drainPath, query, nil, nil); err != nil {
		p.refuse(w, r, err)
		return
	}
	p.tell(w, r, capital(whichListeners(listener))+" takes clients again.")
}

// ofListener names a listener to the API, unless all are meant.
func ofListener(listener string) map[string]string {
	if listener == "" {
		return map[string]string{}
	}
	return map[string]string{"listener": listener}
}

func whichListeners(listener string) string {
	if listener == "" {
		return "every listener"
	}
	return listener
}

func howManyLeft(sessions int) string {
	switch sessions {
	case 0:
		return "No session is open."
	case 1:
		return "1 session goes on until it ends."
	}
	return howMany(sessions) + " go on until they end."
}
