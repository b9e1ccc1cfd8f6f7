package web

import (
	"fmt"
	"net/url"
)

// parseQuery gives the parameters of a query that have these names; those that
// are missing are empty. A parameter that is given twice leaves open which is
// meant, and is an error. Others are not looked at.
func parseQuery(u *url.URL, names ...string) (map[string]string, error) {
	all, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("reading the query: %w", err)
	}
	values := make(map[string]string, len(names))
	for _, name := range names {
		if len(all[name]) > 1 {
			return nil, fmt.Errorf("%s: expected once, got it %d times", name, len(all[name]))
		}
		values[name] = all.Get(name)
	}
	return values, nil
}
