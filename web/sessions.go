package web

import (
	"cmp"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"
)

// sessionFilterQuery are the parameters that say which sessions are meant.
type sessionFilterQuery struct {
	Listener       string `query:"listener" minLength:"1" description:"The address of the listener."`
	Client         string `query:"client" minLength:"1" description:"Where the client is: an address, ip:port or a network."`
	User           string `query:"user" minLength:"1" description:"As the policy calls the client."`
	Source         string `query:"source" minLength:"1" description:"Our address towards the upstream: an address, ip:port or a network."`
	Destination    string `query:"destination" minLength:"1" description:"The upstream: an address, ip:port or a network."`
	OlderThan      string `query:"older_than" minLength:"1" description:"That began longer ago: a duration or seconds." example:"1h"`
	IdleLongerThan string `query:"idle_longer_than" minLength:"1" description:"On which neither side has sent anything for longer: a duration or seconds." example:"90"`
}

// sessionsQuery are the parameters of the list.
type sessionsQuery struct {
	sessionFilterQuery
	Sort  string `query:"sort" enum:"age,-age,idle,-idle,bytes,-bytes" default:"-age" description:"The smallest first; with - the largest."`
	Limit uint   `query:"limit" default:"100" minimum:"1" maximum:"1000" description:"How many are listed."`
	After string `query:"after" minLength:"1" description:"The next of an earlier answer."`
}

// endQuery are the parameters of ending sessions, of which one at least has to be a
// filter.
type endQuery struct {
	sessionFilterQuery
	DryRun bool `query:"dry_run" description:"Only say what would be done."`
}

// oneSession are the parameters of ending one.
type oneSession struct {
	ID     string `path:"id" description:"As the list has it."`
	DryRun bool   `query:"dry_run" description:"Only say what would be done."`
}

var filterNames = []string{"listener", "client", "user", "source", "destination", "older_than", "idle_longer_than"}

// sessionDocument is a session as the API has it.
type sessionDocument struct {
	ID          string  `json:"id" required:"true" description:"The access log has the same."`
	Listener    string  `json:"listener" required:"true"`
	Client      string  `json:"client" required:"true"`
	User        string  `json:"user" required:"true" description:"Empty: the policy was not asked."`
	Source      string  `json:"source" required:"true" description:"Empty: nothing is dialled yet, as for destination."`
	Destination string  `json:"destination" required:"true"`
	Group       string  `json:"group" required:"true" description:"Of the destination, as the policy calls it; empty: none."`
	Phase       string  `json:"phase" required:"true"`
	WaitingFor  string  `json:"waiting_for" required:"true" enum:"client,upstream" description:"The side that did not send the last byte."`
	Age         float64 `json:"age_seconds" required:"true"`
	Idle        float64 `json:"idle_seconds" required:"true"`
	Received    uint64  `json:"bytes_received" required:"true" description:"Relayed from the client."`
	Sent        uint64  `json:"bytes_sent" required:"true" description:"Relayed to it."`
	Process     string  `json:"process,omitempty" enum:"old" description:"old: of the process that this one has taken over from, and that ends with its sessions."`
}

// sessionsDocument is the list.
type sessionsDocument struct {
	Sessions []sessionDocument `json:"sessions" required:"true" nullable:"false"`
	Total    int               `json:"total" required:"true" description:"How many the filters mean, on this page or not."`
	Next     string            `json:"next,omitempty" description:"With it as after, those that follow are listed. One whose place in the order has changed meanwhile may be missed, or come twice."`
}

// endDocument says what was ended.
type endDocument struct {
	Ended              int  `json:"ended" required:"true"`
	WaitingForClient   int  `json:"waiting_for_client" required:"true" description:"Of them; these were ended first."`
	WaitingForUpstream int  `json:"waiting_for_upstream" required:"true" description:"Of them: a mail that was under way may be sent twice."`
	DryRun             bool `json:"dry_run" required:"true" description:"Nothing was ended."`
}

// handleSessionsList lists the sessions that are open.
func (c Config) handleSessionsList(w http.ResponseWriter, r *http.Request) {
	query, err := parseOnly(r.URL, append(slices.Clone(filterNames), "sort", "limit", "after")...)
	var filter sessionFilter
	var order sessionOrder
	var limit int
	if err == nil {
		filter, err = parseFilter(query)
	}
	if err == nil {
		order, err = parseOrder(query["sort"], query["after"])
	}
	if err == nil {
		limit, err = parseLimit(query["limit"], 1)
	}
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	now := time.Now()
	page := pageOf{most: limit + 1} // one more, to know whether there is one
	total := 0
	for s := range c.Control.Sessions() {
		if !filter.means(&s, now) {
			continue
		}
		total++
		if one := order.rank(&s, now); order.after == nil || one.compare(order.after) > 0 {
			one.session = s
			page.add(one)
		}
	}
	meant := page.first()
	list := sessionsDocument{Sessions: []sessionDocument{}, Total: total}
	for _, one := range meant[:min(limit, len(meant))] {
		list.Sessions = append(list.Sessions, describeSession(&one.session, now))
	}
	if len(meant) > limit {
		list.Next = meant[limit-1].String()
	}
	writeJSON(w, list)
}

// handleSessionsEnd ends the sessions that a filter means.
func (c Config) handleSessionsEnd(w http.ResponseWriter, r *http.Request) {
	query, err := parseOnly(r.URL, append(slices.Clone(filterNames), "dry_run")...)
	var filter sessionFilter
	if err == nil {
		filter, err = parseFilter(query)
	}
	dry := false
	if err == nil {
		dry, err = parseDryRun(query)
	}
	switch {
	case err != nil:
		writeError(w, http.StatusBadRequest, err.Error())
		return
	case !slices.ContainsFunc(filterNames, func(name string) bool { return query[name] != "" }):
		writeError(w, http.StatusUnprocessableEntity, "expected a filter, such as client: all sessions are not ended at once")
		return
	}
	now := time.Now()
	ids, ended := c.meant(func(s *Session) bool { return filter.means(s, now) })
	if !dry {
		ended = c.Control.EndSessions(ids, peerText(r))
	}
	writeEnded(w, ended, dry)
}

// meant are the sessions that are meant, and how many of them wait for whom.
func (c Config) meant(means func(*Session) bool) (ids []uint64, would Ended) {
	for s := range c.Control.Sessions() {
		switch {
		case !means(&s):
			continue
		case s.WaitsForUpstream:
			would.WaitingForUpstream++
		default:
			would.WaitingForClient++
		}
		ids = append(ids, s.ID)
	}
	return ids, would
}

func parseDryRun(query map[string]string) (bool, error) {
	text := query["dry_run"]
	if text == "" {
		return false, nil
	}
	dry, err := strconv.ParseBool(text)
	if err != nil {
		err = fmt.Errorf("dry_run: expected true or false, got %q", cut(text))
	}
	return dry, err
}

// handleSessionEnd ends one session.
func (c Config) handleSessionEnd(w http.ResponseWriter, r *http.Request) {
	query, err := parseOnly(r.URL, "dry_run")
	dry := false
	if err == nil {
		dry, err = parseDryRun(query)
	}
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	id, _ := parseID(mux.Vars(r)["id"])
	var ended Ended
	if dry {
		_, ended = c.meant(func(s *Session) bool { return s.ID == id })
	} else {
		ended = c.Control.EndSessions([]uint64{id}, peerText(r))
	}
	if ended == (Ended{}) {
		writeNoSession(w, formatID(id))
		return
	}
	writeEnded(w, ended, dry)
}

func writeEnded(w http.ResponseWriter, e Ended, dry bool) {
	writeJSON(w, endDocument{
		Ended: e.WaitingForClient + e.WaitingForUpstream, DryRun: dry,
		WaitingForClient: e.WaitingForClient, WaitingForUpstream: e.WaitingForUpstream,
	})
}

// An ID is written as in the access log.
func formatID(id uint64) string { return fmt.Sprintf("%016x", id) }

func parseID(text string) (id uint64, ok bool) {
	id, err := strconv.ParseUint(text, 16, 64)
	return id, err == nil && formatID(id) == text
}

// withID answers what can be no session's ID, before anybody looks for it.
func withID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text := mux.Vars(r)["id"]
		if _, ok := parseID(text); !ok {
			writeNoSession(w, text)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func writeNoSession(w http.ResponseWriter, text string) {
	writeError(w, http.StatusNotFound, fmt.Sprintf("there is no session %q, or it has ended", cut(text)))
}

func describeSession(s *Session, now time.Time) sessionDocument {
	side := "client"
	if s.WaitsForUpstream {
		side = "upstream"
	}
	process := ""
	if s.Old {
		process = "old"
	}
	return sessionDocument{
		Process: process, ID: formatID(s.ID), Listener: s.Listener, Client: s.Client.String(), User: s.User,
		Source: addressText(s.Source), Destination: addressText(s.Destination), Group: s.Group, Phase: s.Phase, WaitingFor: side,
		Age: s.age(now).Seconds(), Idle: s.Idle.Seconds(), Received: s.Received, Sent: s.Sent,
	}
}

func (s *Session) age(now time.Time) time.Duration { return max(now.Sub(s.Since), 0) }

func addressText(a netip.AddrPort) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// sessionOrder is how a list is sorted: by a figure, and by the id among those who
// have the same.
type sessionOrder struct {
	by    func(s *Session, now time.Time) int64
	sign  int64
	after *ranked // nil: from the first on
}

// ranked is a session in that order.
type ranked struct {
	key     int64
	id      uint64
	session Session
}

// pageOf keeps the first of many in an order, and little more.
type pageOf struct {
	most int
	kept []ranked
}

func (p *pageOf) add(r ranked) {
	if p.kept = append(p.kept, r); len(p.kept) >= 2*p.most {
		p.kept = p.first()
	}
}

// first are those, in their order.
func (p *pageOf) first() []ranked {
	slices.SortFunc(p.kept, func(a, b ranked) int { return a.compare(&b) })
	return p.kept[:min(p.most, len(p.kept))]
}

func parseOrder(text, after string) (sessionOrder, error) {
	text = cmp.Or(text, "-age")
	o := sessionOrder{sign: 1}
	name, descending := strings.CutPrefix(text, "-")
	if descending {
		o.sign = -1
	}
	switch name {
	case "age": // by what does not change meanwhile
		o.by = func(s *Session, _ time.Time) int64 { return -s.Since.UnixNano() }
	case "idle": // by the second, since two looks do not see quite the same
		o.by = func(s *Session, now time.Time) int64 { return -now.Add(-s.Idle).Unix() }
	case "bytes":
		o.by = func(s *Session, _ time.Time) int64 { return int64(s.Received + s.Sent) }
	default:
		return o, fmt.Errorf("sort: expected age, idle or bytes, with - before it the other way round, got %q", cut(text))
	}
	if after == "" {
		return o, nil
	}
	key, id, _ := strings.Cut(after, ".")
	var last ranked
	var err, bad error
	last.key, err = strconv.ParseInt(key, 36, 64)
	last.id, bad = strconv.ParseUint(id, 36, 64)
	if err != nil || bad != nil {
		return o, fmt.Errorf("after: expected what an earlier answer gave as next, got %q", cut(after))
	}
	o.after = &last
	return o, nil
}

func (o sessionOrder) rank(s *Session, now time.Time) ranked {
	return ranked{key: o.sign * o.by(s, now), id: s.ID}
}

func (r *ranked) compare(o *ranked) int {
	return cmp.Or(cmp.Compare(r.key, o.key), cmp.Compare(r.id, o.id))
}

func (r *ranked) String() string {
	return strconv.FormatInt(r.key, 36) + "." + strconv.FormatUint(r.id, 36)
}
