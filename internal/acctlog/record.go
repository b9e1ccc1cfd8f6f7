package acctlog

import (
	"encoding/json"
	"time"

	"github.com/troupe-proxy/troupe/internal/access"
)

// Authentication is a login that was tried.
type Authentication struct {
	// Attempted is who the client said it was. The name is empty where there is
	// none, as with a token.
	Attempted access.Identity
	Success   bool
	// Who is the client as it is known after the attempt.
	Who access.Auth
}

// Authorization is a decision about a request.
type Authorization struct {
	Query    access.Query
	Decision access.Decision
}

// record is what can be written.
type record interface {
	// wanted says whether a log of this configuration has such records.
	wanted(c *Config) bool
	line(at time.Time) ([]byte, error)
}

func (a Authentication) wanted(c *Config) bool {
	if a.Success {
		return c.AuthnOK
	}
	return c.AuthnFail
}

func (a Authorization) wanted(c *Config) bool {
	if a.Decision.Allow {
		return c.AuthzAllow
	}
	return c.AuthzDeny
}

func (a Authentication) line(at time.Time) ([]byte, error) {
	return json.Marshal(struct {
		Type      string          `json:"type"`
		Timestamp time.Time       `json:"timestamp"`
		Attempted access.Identity `json:"attempted_identity"`
		Success   bool            `json:"success"`
		Who       any             `json:"auth_info"`
	}{"Authentication", at.UTC(), a.Attempted, a.Success, a.Who.Plain()})
}

func (a Authorization) line(at time.Time) ([]byte, error) {
	q, d := a.Query, a.Decision
	var matching *string
	var rule any
	text := "Deny"
	if d.Allow {
		text = "Allow"
	}
	if d.Rule != nil {
		matching, rule = &d.Matching, d.Rule.Plain()
	}
	considered := d.Considered
	if considered == nil {
		considered = []string{}
	}
	return json.Marshal(struct {
		Type       string    `json:"type"`
		Timestamp  time.Time `json:"timestamp"`
		Target     string    `json:"target_resource"`
		Privilege  string    `json:"privilege"`
		Access     string    `json:"access"`
		Matching   *string   `json:"matching_resource"`
		Rule       any       `json:"rule"`
		Who        any       `json:"auth_info"`
		Considered []string  `json:"considered_resources"`
	}{"Authorization", at.UTC(), q.Resource.String(), q.Privilege, text, matching, rule, q.Who.Plain(), considered})
}
