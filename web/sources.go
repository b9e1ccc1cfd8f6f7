package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// sourcesQuery are the parameters of the list of sources.
type sourcesQuery struct {
	Source string `query:"source" description:"Those of an address or a network."`
	State  string `query:"state" enum:"serving,paused,draining"`
	Plumb  string `query:"plumbed" enum:"yes,no,unknown,freebind"`
	Sort   string `query:"sort" enum:"trouble,-trouble,address,-address,sessions,-sessions,dials,-dials,failures,-failures,refusal,-refusal" default:"-trouble" description:"The smallest first; with - the largest. trouble is what somebody had better look at, refusal when an upstream refused last, failures the share of the dials that failed."`
	Limit  uint   `query:"limit" default:"100" minimum:"1" maximum:"1000" description:"How many are listed."`
	After  string `query:"after" description:"The next of an earlier answer."`
}

// sourceDocument is a source as the API has it.
type sourceDocument struct {
	Address     string            `json:"address" required:"true"`
	Known       bool              `json:"known" required:"true" description:"The policy names it. Others are listed as long as there is room."`
	Plumbed     string            `json:"plumbed" required:"true" enum:"yes,no,unknown,freebind"`
	State       string            `json:"state" required:"true" enum:"serving,paused,draining"`
	Since       *time.Time        `json:"since" required:"true" nullable:"true"`
	Until       *time.Time        `json:"until" required:"true" nullable:"true" description:"Null: until it is resumed."`
	Reason      string            `json:"reason" required:"true"`
	By          string            `json:"by" required:"true"`
	Sessions    int64             `json:"sessions" required:"true"`
	Dials       map[string]uint64 `json:"dials" required:"true" nullable:"false" description:"By result."`
	DialRatio   *float64          `json:"dial_ratio" required:"true" nullable:"true" description:"The share of the dials that connected; null: there was none."`
	Greetings   Greetings         `json:"greetings" required:"true"`
	LastSuccess *time.Time        `json:"last_success" required:"true" nullable:"true"`
	LastRefusal *refusalDocument  `json:"last_refusal" required:"true" nullable:"true"`
	PortsUsed   float64           `json:"ports_used_ratio" required:"true"`
}

// refusalDocument is what an upstream said that would not talk.
type refusalDocument struct {
	Text string    `json:"text" required:"true"`
	At   time.Time `json:"at" required:"true"`
	From string    `json:"from" required:"true"`
}

// sourcesDocument is the list.
type sourcesDocument struct {
	Sources []sourceDocument `json:"sources" required:"true" nullable:"false"`
	Total   int              `json:"total" required:"true" description:"How many the filters mean, on this page or not."`
	Next    string           `json:"next,omitempty" description:"With it as after, those that follow are listed."`
}

// holdRequest is the body of a pause or a drain.
type holdRequest struct {
	Source string  `json:"source" required:"true" description:"An address or a network." example:"192.0.2.7"`
	For    *string `json:"for,omitempty" nullable:"false" minLength:"1" description:"How long: a duration or seconds. Without it, until they are resumed." example:"2h"`
	Reason string  `json:"reason,omitempty" maxLength:"500" description:"For people."`
}

// resumeRequest is the body of a resume.
type resumeRequest struct {
	Source string `json:"source" required:"true" description:"An address or a network." example:"192.0.2.7"`
}

// sourceFilter says which sources are meant.
type sourceFilter struct {
	network        netip.Prefix // not valid: any
	state, plumbed string       // "": any
}

func (f *sourceFilter) means(s *Source) bool {
	return (!f.network.IsValid() || f.network.Contains(s.Address)) && (f.state == "" || s.State == f.state) && (f.plumbed == "" || s.Plumbed == f.plumbed)
}

// handleSourcesList lists the sending addresses.
func (c Config) handleSourcesList(w http.ResponseWriter, r *http.Request) {
	query, err := parseOnly(r.URL, "source", "state", "plumbed", "sort", "limit", "after")
	var filter sourceFilter
	var limit int
	o := order[Source]{address: func(s *Source) netip.Addr { return s.Address }}
	if err == nil {
		filter, err = parseSourceFilter(query)
	}
	if err == nil {
		limit, err = o.read(query, "-trouble", "trouble, address, sessions, dials, failures or refusal", sourceFigure)
	}
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	all, err := c.Control.Sources()
	if err != nil {
		c.writeProblem(w, err)
		return
	}
	all = slices.DeleteFunc(all, func(s Source) bool { return !filter.means(&s) })
	list := sourcesDocument{Sources: []sourceDocument{}, Total: len(all)}
	all, list.Next = o.page(all, limit)
	for i := range all {
		list.Sources = append(list.Sources, describeSource(&all[i]))
	}
	writeJSON(w, list)
}

func parseSourceFilter(query map[string]string) (f sourceFilter, err error) {
	if text := query["source"]; text != "" {
		if f.network, err = parseNetwork("source", text); err != nil {
			return f, err
		}
	}
	f.state, f.plumbed = query["state"], query["plumbed"]
	if f.state != "" && !slices.Contains([]string{"serving", "paused", "draining"}, f.state) {
		return f, fmt.Errorf("state: expected serving, paused or draining, got %q", cut(f.state))
	}
	if f.plumbed != "" && !slices.Contains([]string{"yes", "no", "unknown", "freebind"}, f.plumbed) {
		return f, fmt.Errorf("plumbed: expected yes, no, unknown or freebind, got %q", cut(f.plumbed))
	}
	return f, nil
}

// parseNetwork reads an address or a network. What is said of it is said in its
// canonical form.
func parseNetwork(name, text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Masked() != p {
		return netip.Prefix{}, fmt.Errorf("%s: expected an address or a network such as 192.0.2.0/24, got %q", name, cut(text))
	}
	return unmapped(p), nil
}

// unmapped is a network of IPv4 addresses that are written as IPv6 as what it means:
// no address here is written so.
func unmapped(p netip.Prefix) netip.Prefix {
	const mapped = 96 // bits
	if a := p.Addr(); a.Is4In6() && p.Bits() >= mapped {
		return netip.PrefixFrom(a.Unmap(), p.Bits()-mapped)
	}
	return p
}

// sourceFigure is what sources are sorted by.
func sourceFigure(name string) (func(*Source) int64, bool) {
	switch name {
	case "trouble":
		return func(s *Source) int64 { return s.Trouble }, true
	case "address":
		return nil, true
	case "sessions":
		return func(s *Source) int64 { return s.Sessions }, true
	case "dials":
		return func(s *Source) int64 { return int64(s.Tried) }, true
	case "failures":
		return func(s *Source) int64 { return int64((s.Tried - s.Connected) * 1000 / max(s.Tried, 1)) }, true
	case "refusal":
		return func(s *Source) int64 { return s.RefusalAt.Unix() }, true
	}
	return nil, false
}

func describeSource(s *Source) sourceDocument {
	d := sourceDocument{
		Address: s.Address.String(), Known: s.Known, Plumbed: s.Plumbed, State: s.State,
		Since: moment(s.Since), Until: moment(s.Until), Reason: s.Reason, By: s.By,
		Sessions: s.Sessions, Dials: s.Dials, Greetings: s.Greetings, LastSuccess: moment(s.LastSuccess), PortsUsed: s.PortsUsed,
	}
	if s.Tried > 0 {
		ratio := float64(s.Connected) / float64(s.Tried)
		d.DialRatio = &ratio
	}
	if !s.RefusalAt.IsZero() {
		d.LastRefusal = &refusalDocument{Text: s.RefusalText, At: s.RefusalAt.UTC(), From: addressText(s.RefusalFrom)}
	}
	return d
}

// moment is a time, nil for none.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// mostReason is how long the reason of a pause may be, in bytes.
const mostReason = 500

var errLongReason = errors.New("reason: expected at most " + strconv.Itoa(mostReason) + " bytes")

// handleSourcesHold pauses or drains sources.
func (c Config) handleSourcesHold(state string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var request holdRequest
		if !readObject(w, r, &request) {
			return
		}
		network, err := parseNetwork("source", request.Source)
		var span time.Duration
		switch {
		case err != nil || request.For == nil:
		case *request.For == "":
			err = errEmptySpan
		default:
			span, err = parseSpan("for", *request.For)
		}
		if err == nil && len(request.Reason) > mostReason {
			err = errLongReason
		}
		if err != nil {
			writeError(w, http.StatusUnprocessableEntity, err.Error())
			return
		}
		c.changeSources(w, r, SourceChange{Network: network, State: state, For: span, Reason: request.Reason})
	}
}

// errEmptySpan: an empty text was meant to be some time, and not for ever.
var errEmptySpan = errors.New("for: expected a duration such as 2h, got nothing")

// handleSourcesResume has sources used again.
func (c Config) handleSourcesResume(w http.ResponseWriter, r *http.Request) {
	var request resumeRequest
	if !readObject(w, r, &request) {
		return
	}
	network, err := parseNetwork("source", request.Source)
	if err != nil {
		writeError(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	c.changeSources(w, r, SourceChange{Network: network, State: "serving"})
}

func (c Config) changeSources(w http.ResponseWriter, r *http.Request, change SourceChange) {
	change.By = peerText(r)
	done, err := c.Control.ChangeSources(r.Context(), change)
	if err != nil {
		c.writeProblem(w, err)
		return
	}
	writeJSON(w, done)
}
