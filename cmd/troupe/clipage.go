package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"github.com/troupe-proxy/troupe/internal/adminclient"
)

// registerPage has the flags that say which part of a list is wanted. Each list has an
// order of its own.
func registerPage(p *pflag.FlagSet, page *adminclient.Page) {
	p.IntVar(&page.Limit, "limit", 0, "list `n` at most, up to 1000 (default 100)")
	p.StringVar(&page.After, "after", "", "go on behind the `mark` that the last list ended with")
}

func checkPage(page *adminclient.Page) error {
	if page.Limit < 0 || page.Limit > 1000 {
		return fmt.Errorf("--limit: expected 1 to 1000, got %d", page.Limit)
	}
	return nil
}
