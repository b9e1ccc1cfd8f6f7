package web

import (
	"net/http"
	"net/netip"
	"slices"
	"time"
)

// BusyDestinations are the upstream addresses to which most CONNECTs went.
type BusyDestinations struct {
	All []BusyDestination // in any order
	// CONNECTs is how many went to all addresses there are, and Places how many
	// addresses are kept at most.
	CONNECTs, Places uint64
}

// BusyDestination is one of them. What is not known is zero.
type BusyDestination struct {
	Address netip.Addr
	// Count is how many CONNECTs went to it, at most; it is too high by Error at most.
	Count, Error uint64
	// What was counted since Since, one by one.
	Since, Last time.Time
	Dials       map[string]uint64 // by result; all results are there
	Connected   uint64            // of them
	Greetings   Greetings
	RefusalText string
	RefusalAt   time.Time
	RefusalTo   netip.Addr // the source
}

// failures is the share of its dials that did not connect, in thousandths.
func (d *BusyDestination) failures() int64 {
	counted := d.Count - d.Error
	return int64((counted - d.Connected) * 1000 / max(counted, 1))
}

// destinationsQuery are the parameters of the list of destinations.
type destinationsQuery struct {
	Destination string `query:"destination" description:"Those of an address or a network."`
	Sort        string `query:"sort" enum:"count,-count,address,-address,failures,-failures,refused,-refused,refusal,-refusal" default:"-count" description:"The smallest first; with - the largest. failures is the share of the dials that failed, refused how many sessions began with 5xx, refusal when it refused last."`
	Limit       uint   `query:"limit" default:"100" minimum:"1" maximum:"1000" description:"How many are listed."`
	After       string `query:"after" description:"The next of an earlier answer."`
}

// destinationDocument is a destination as the API has it.
type destinationDocument struct {
	Address     string            `json:"address" required:"true"`
	Count       uint64            `json:"count" required:"true" description:"How many CONNECTs went to it, at most."`
	Error       uint64            `json:"error" required:"true" description:"By how much count may be too high. What is below was counted since the address is kept, and adds up to count less error."`
	Since       time.Time         `json:"since" required:"true" description:"When the first session ended that was counted."`
	Last        time.Time         `json:"last" required:"true" description:"When the last one did."`
	Dials       map[string]uint64 `json:"dials" required:"true" nullable:"false" description:"By result."`
	Greetings   Greetings         `json:"greetings" required:"true"`
	LastRefusal *refusedSource    `json:"last_refusal" required:"true" nullable:"true"`
}

// refusedSource is what an upstream said to a source that it would not talk to.
type refusedSource struct {
	Text   string    `json:"text" required:"true"`
	At     time.Time `json:"at" required:"true"`
	Source string    `json:"source" required:"true"`
}

// destinationsDocument is the list.
type destinationsDocument struct {
	Destinations []destinationDocument `json:"destinations" required:"true" nullable:"false"`
	Total        int                   `json:"total" required:"true" description:"How many the filter means, on this page or not."`
	CONNECTs     uint64                `json:"connects" required:"true" description:"How many were counted, to any address. One that had more than connects divided by places is among them."`
	Places       uint64                `json:"places" required:"true" description:"How many addresses are kept at most."`
	Next         string                `json:"next,omitempty" description:"With it as after, those that follow are listed."`
}

// destinationFigure is what destinations are sorted by.
func destinationFigure(name string) (func(*BusyDestination) int64, bool) {
	switch name {
	case "count":
		return func(d *BusyDestination) int64 { return int64(d.Count) }, true
	case "address":
		return nil, true
	case "failures":
		return (*BusyDestination).failures, true
	case "refused":
		return func(d *BusyDestination) int64 { return int64(d.Greetings.Permanent) }, true
	case "refusal":
		return func(d *BusyDestination) int64 { return d.RefusalAt.Unix() }, true
	}
	return nil, false
}

// handleDestinationsList lists the upstream addresses to which most CONNECTs went.
func (c Config) handleDestinationsList(w http.ResponseWriter, r *http.Request) {
	query, err := parseOnly(r.URL, "destination", "sort", "limit", "after")
	var network netip.Prefix // not valid: any
	var limit int
	o := order[BusyDestination]{address: func(d *BusyDestination) netip.Addr { return d.Address }}
	if err == nil && query["destination"] != "" {
		network, err = parseNetwork("destination", query["destination"])
	}
	if err == nil {
		limit, err = o.read(query, "-count", "count, address, failures, refused or refusal", destinationFigure)
	}
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	busy := c.Control.BusyDestinations()
	all := slices.DeleteFunc(busy.All, func(d BusyDestination) bool { return network.IsValid() && !network.Contains(d.Address) })
	list := destinationsDocument{Destinations: []destinationDocument{}, Total: len(all), CONNECTs: busy.CONNECTs, Places: busy.Places}
	all, list.Next = o.page(all, limit)
	for i := range all {
		list.Destinations = append(list.Destinations, describeDestination(&all[i]))
	}
	writeJSON(w, list)
}

func describeDestination(d *BusyDestination) destinationDocument {
	shown := destinationDocument{
		Address: d.Address.String(), Count: d.Count, Error: d.Error, Since: d.Since.UTC(), Last: d.Last.UTC(),
		Dials: d.Dials, Greetings: d.Greetings,
	}
	if !d.RefusalAt.IsZero() {
		shown.LastRefusal = &refusedSource{Text: d.RefusalText, At: d.RefusalAt.UTC(), Source: d.RefusalTo.String()}
	}
	return shown
}
