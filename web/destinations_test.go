package web

import (
	"encoding/json"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

// busyOnes are of which each differs from the others in every figure.
func busyOnes() []BusyDestination {
	one := func(address string, count, connected uint64, change func(*BusyDestination)) BusyDestination {
		d := BusyDestination{
			Address: netip.MustParseAddr(address), Count: count, Connected: connected, Since: started, Last: started,
			Dials: map[string]uint64{"connected": connected, "refused": count - connected},
		}
		change(&d)
		return d
	}
	return []BusyDestination{
		one("203.0.113.1", 500, 500, func(*BusyDestination) {}),
		one("203.0.113.2", 400, 100, func(*BusyDestination) {}),
		one("203.0.113.10", 60, 50, func(d *BusyDestination) {
			d.RefusalText, d.RefusalAt, d.RefusalTo = "554 5.7.1 <b>blocked</b>", started, netip.MustParseAddr("192.0.2.7")
			d.Greetings = Greetings{Permanent: 4}
		}),
		one("2001:db8::25", 40, 10, func(d *BusyDestination) { d.Error, d.Dials["refused"] = 30, 0 }),
	}
}

// TestDestinationsFilterAndOrder also goes through each list one by one.
func TestDestinationsFilterAndOrder(t *testing.T) {
	h := controlHandler(newFakeProxy())
	page := func(query string) (got destinationsDocument) {
		t.Helper()
		a := ask(h, "GET", "/api/admin/destinations"+query, trustedPeer)
		if a.status != 200 {
			t.Fatalf("%s: got %d %q; want 200", query, a.status, a.body)
		}
		if err := json.Unmarshal([]byte(a.body), &got); err != nil {
			t.Fatal(err)
		}
		return got
	}
	addresses := func(list destinationsDocument) (all []string) {
		for _, d := range list.Destinations {
			all = append(all, d.Address)
		}
		return all
	}
	for query, want := range map[string]string{
		"?":                           "203.0.113.1 203.0.113.2 203.0.113.10 2001:db8::25",
		"?sort=count":                 "2001:db8::25 203.0.113.10 203.0.113.2 203.0.113.1",
		"?sort=address":               "203.0.113.1 203.0.113.2 203.0.113.10 2001:db8::25",
		"?sort=-address":              "2001:db8::25 203.0.113.10 203.0.113.2 203.0.113.1",
		"?sort=-failures":             "203.0.113.2 203.0.113.10 203.0.113.1 2001:db8::25",
		"?sort=-refused":              "203.0.113.10 203.0.113.1 203.0.113.2 2001:db8::25",
		"?sort=-refusal":              "203.0.113.10 203.0.113.1 203.0.113.2 2001:db8::25",
		"?destination=203.0.113.0/29": "203.0.113.1 203.0.113.2",
		"?destination=203.0.113.10":   "203.0.113.10",
		"?destination=192.0.2.1":      "",
	} {
		whole := page(query)
		got := addresses(whole)
		one := oneByOne(func(after string) ([]string, string) {
			p := page(query + "&limit=1" + after)
			return addresses(p), p.Next
		})
		if strings.Join(got, " ") != want || strings.Join(one, " ") != want || whole.Total != len(got) || whole.CONNECTs != 1000 || whole.Places != 4 {
			t.Errorf("%s: got %v, one by one %v, of %+v; want %s", query, got, one, whole, want)
		}
	}
	d := page("?destination=203.0.113.10").Destinations[0]
	if d.LastRefusal == nil || *d.LastRefusal != (refusedSource{"554 5.7.1 <b>blocked</b>", started.UTC(), "192.0.2.7"}) || d.Greetings.Permanent != 4 || d.Dials["refused"] != 10 {
		t.Errorf("got %+v; want what was refused", d)
	}
	if d := page("?destination=2001:db8::25").Destinations[0]; d.Count != 40 || d.Error != 30 || d.LastRefusal != nil {
		t.Errorf("got %+v; want the error of its count", d)
	}
	for query, want := range map[string]string{
		"?sort=size": "sort: expected count", "?destination=x": "destination: expected an address or a network", "?limit=0": "limit", "?limit=1001": "limit",
		"?after=x": "after: expected", "?nonsense=1": "nonsense",
	} {
		if got := ask(h, "GET", "/api/admin/destinations"+query, trustedPeer); got.status != 400 || !strings.Contains(got.body, want) {
			t.Errorf("%s: got %d %q; want 400 and %q", query, got.status, got.body, want)
		}
	}
}

// TestDestinationsAreAsDescribed: the answers have the shape that the description says.
func TestDestinationsAreAsDescribed(t *testing.T) {
	v := newValidator(t, mustDescribe(t))
	for _, path := range []string{"/api/admin/destinations", "/api/admin/destinations?sort=-refused&limit=2"} {
		r := httptest.NewRequest("GET", "http://127.0.0.1:8000"+path, nil)
		r.RemoteAddr = trustedPeer
		if ok, errs := v.ValidateHttpRequest(r); !ok {
			complain(t, path, errs)
		}
		w := httptest.NewRecorder()
		controlHandler(newFakeProxy()).ServeHTTP(w, r)
		if ok, errs := v.ValidateHttpResponse(r, w.Result()); !ok {
			complain(t, path, errs)
		}
	}
}
