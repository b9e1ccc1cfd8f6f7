package web

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// probeBody is the body of a probe.
type probeBody struct {
	Sources []string `json:"sources" required:"true" nullable:"false" minItems:"1" maxItems:"512" description:"Addresses, or all: those that the policy names, and the others that are plumbed." example:"[\"192.0.2.7\"]"`
	To      string   `json:"to" required:"true" description:"A name or an address, and a port: of an SMTP server." example:"mx.example.org:25"`
	Echo    string   `json:"echo,omitempty" description:"A page that says who asks for it: http or https, without a login." example:"https://ip.example.org/"`
}

// probeDocument is what came of it.
type probeDocument struct {
	To      string           `json:"to" required:"true"`
	Failed  int              `json:"failed" required:"true" description:"How many of the sources."`
	Sources []probedDocument `json:"sources" required:"true" nullable:"false" description:"As they were asked for; all by their addresses."`
}

// probedDocument is what came of one source.
type probedDocument struct {
	Address     string   `json:"address" required:"true"`
	Plumbed     string   `json:"plumbed" required:"true" enum:"yes,no,unknown,freebind"`
	State       string   `json:"state" required:"true" enum:"serving,paused,draining" description:"One that is held back is tried all the same."`
	Route       string   `json:"route" required:"true" enum:"yes,no,unknown" description:"The kernel has a route from it to the destination. Unknown: it cannot be bound, or there was nothing to look for."`
	Destination string   `json:"destination" required:"true" description:"The address that was dialled; empty: there is none of its family."`
	Connect     *float64 `json:"connect_ms" required:"true" nullable:"true" description:"Until it was connected; null: it never was."`
	Banner      string   `json:"banner" required:"true" description:"The greeting, at most 512 bytes of it."`
	PTR         []string `json:"ptr" required:"true" nullable:"false" description:"The first names that the DNS has for it."`
	Confirmed   bool     `json:"confirmed" required:"true" description:"One of them has this address."`
	PTRError    string   `json:"ptr_error" required:"true" description:"Why the names are not known; empty also if there are none."`
	Seen        string   `json:"seen" required:"true" description:"What the page of echo says, at most 100 bytes of it."`
	Failure     string   `json:"failure" required:"true" enum:",unplumbed,no_destination,not_connected,no_banner,refused,not_seen,not_tried" description:"Empty: none."`
	Error       string   `json:"error" required:"true" description:"What there is to say about that, for people."`
}

// handleSourcesProbe tries sources towards a destination.
func (c Config) handleSourcesProbe(w http.ResponseWriter, r *http.Request) {
	var body probeBody
	if !readObject(w, r, &body) {
		return
	}
	request, err := body.parse()
	if err != nil {
		writeError(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	request.By = peerText(r)
	// The deadlines of the server are for answers that are there at once. What does
	// not have these, as a page's request, has none to lift.
	connection, end := http.NewResponseController(w), time.Now().Add(MostProbeTime+writeTimeout)
	_ = connection.SetReadDeadline(end)
	_ = connection.SetWriteDeadline(end)
	done, err := c.Control.Probe(r.Context(), request)
	if err != nil {
		c.writeProblem(w, err)
		return
	}
	document := probeDocument{To: body.To, Sources: make([]probedDocument, len(done))}
	for i := range done {
		document.Sources[i] = describeProbed(&done[i])
		if done[i].Failure != "" {
			document.Failed++
		}
	}
	writeJSON(w, document)
}

func describeProbed(s *ProbedSource) probedDocument {
	d := probedDocument{
		Address: s.Address.String(), Plumbed: s.Plumbed, State: s.State, Route: s.Route, Destination: addressText(s.Destination),
		Banner: s.Banner, PTR: append([]string{}, s.PTR...), Confirmed: s.Confirmed, PTRError: s.PTRError, Seen: s.Seen,
		Failure: s.Failure, Error: s.Error,
	}
	if s.Connect > 0 {
		ms := float64(s.Connect.Microseconds()) / 1000
		d.Connect = &ms
	}
	return d
}

// parse says what is wrong with a body, or what it asks for.
func (b *probeBody) parse() (r ProbeRequest, err error) {
	if len(b.Sources) == 0 || len(b.Sources) > MostProbed {
		return r, fmt.Errorf("sources: expected 1 to %d, got %d", MostProbed, len(b.Sources))
	}
	for _, text := range b.Sources {
		if text == "all" {
			r.All = true
			continue
		}
		a, err := parseSendingAddress(text)
		if err != nil {
			return r, err
		}
		if !slices.Contains(r.Sources, a) {
			r.Sources = append(r.Sources, a)
		}
	}
	if r.Host, r.Port, err = parseDestination(b.To); err != nil {
		return r, err
	}
	if b.Echo != "" {
		r.Echo, err = parseEcho(b.Echo)
	}
	return r, err
}

func parseSendingAddress(text string) (netip.Addr, error) {
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" || a.IsUnspecified() || a.IsMulticast() {
		return a, fmt.Errorf("sources: expected all or addresses to send from, such as 192.0.2.7, got %q", cut(text))
	}
	return a.Unmap(), nil
}

// mostHostname is how long a name may be, RFC 1035 section 2.3.4.
const mostHostname = 255

func parseDestination(text string) (host string, port uint16, err error) {
	host, number, err := net.SplitHostPort(text)
	n, bad := strconv.ParseUint(number, 10, 16)
	if err != nil || bad != nil || n == 0 || host == "" || len(host) > mostHostname || strings.ContainsFunc(host, notInHost) {
		return "", 0, fmt.Errorf("to: expected a host and a port such as mx.example.org:25, got %q", cut(text))
	}
	return host, uint16(n), nil
}

// notInHost says what neither names nor addresses have; a zone is for addresses of
// one link, where no mail server is.
func notInHost(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("/%@\"", r) }

// mostEcho is how long the URL of a page may be, in bytes.
const mostEcho = 2 << 10

var errEcho = errors.New("echo: expected the URL of a page, http or https, without a login and of at most 2048 bytes")

// parseEcho says nothing of what it was given: there may be a password in it.
func parseEcho(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || len(text) > mostEcho || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return nil, errEcho
	}
	return u, nil
}
