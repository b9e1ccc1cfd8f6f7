package pages

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/troupe-proxy/troupe/internal/adminclient"
)

// destinationsView is a part of the list.
type destinationsView struct {
	List adminclient.Destinations

	Destination, Sort string
	NextPage          string // where those that follow are; empty: there are no more
	First             bool   // the list begins with the first destination
}

func (p *Pages) destinations(r *http.Request) (any, error) {
	values := r.URL.Query()
	v := destinationsView{Destination: strings.TrimSpace(values.Get("destination")), Sort: values.Get("sort"), First: values.Get("after") == ""}
	query := url.Values{}
	for name, value := range map[string]string{"destination": v.Destination, "sort": v.Sort, "after": values.Get("after")} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if err := p.ask(r, http.MethodGet, "/api/admin/destinations", query, nil, &v.List); err != nil {
		return v, err
	}
	if v.List.Next != "" {
		query.Set("after", v.List.Next)
		v.NextPage = "/ui/destinations?" + query.Encode()
	}
	return v, nil
}
