package pages

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// reloadFailed is the Result of a Reload that was refused.
const reloadFailed = "failed"

// policyView is the policy that is served, and what became of others.
type policyView struct {
	Last     Reload
	Loaded   time.Time
	SHA256   string
	Fallback bool
	Counts   map[string]uint64 // of reloads, by their result
}

func (p *Pages) lastReload() Reload {
	if p.source.LastReload == nil {
		return Reload{}
	}
	return p.source.LastReload()
}

func (p *Pages) policy(*http.Request) (any, error) {
	seen := p.glance()
	return policyView{
		Last: p.lastReload(), Loaded: seen.loaded, SHA256: seen.sha256, Fallback: seen.fallback, Counts: seen.reloads,
	}, nil
}

// reload is a POST from the page of the policy: it has it read again, or what it
// computed computed anew.
func (p *Pages) reload(w http.ResponseWriter, r *http.Request) {
	fields, _, err := posted(r, "do")
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	switch fields["do"] {
	case "reload":
		p.reloadPolicy(w, r)
	case "bump":
		if err := p.ask(r, http.MethodPost, "/api/admin/bump-config-epoch", nil, nil, nil); err != nil {
			p.refuse(w, r, err)
			return
		}
		p.tell(w, r, "What the policy computed is computed anew, each when it is needed next.")
	default:
		p.refuse(w, r, &problem{http.StatusUnprocessableEntity, "do: expected reload or bump"})
	}
}

func (p *Pages) reloadPolicy(w http.ResponseWriter, r *http.Request) {
	var done struct {
		Result     string
		Difference json.RawMessage
	}
	if err := p.ask(r, http.MethodPost, "/api/admin/reload", nil, nil, &done); err != nil {
		p.refuse(w, r, err)
		return
	}
	if done.Result == "unchanged" {
		p.tell(w, r, "The policy was read again, and is what it was.")
		return
	}
	p.tell(w, r, "The policy was read again and is served now. "+difference(done.Difference))
}

// difference says in words what a reload has changed of the listeners.
func difference(document json.RawMessage) string {
	var d struct{ Added, Changed, Removed []string }
	if json.Unmarshal(document, &d) != nil {
		return ""
	}
	var parts []string
	for _, one := range []struct {
		what string
		of   []string
	}{{"Added", d.Added}, {"Changed", d.Changed}, {"Removed", d.Removed}} {
		if len(one.of) > 0 {
			parts = append(parts, one.what+": "+strings.Join(one.of, ", ")+".")
		}
	}
	if len(parts) == 0 {
		return "No listener has changed."
	}
	return strings.Join(parts, " ")
}

// logView is the page of the log.
type logView struct {
	Filter string
	Known  bool
}

func (p *Pages) log(*http.Request) (any, error) {
	if p.source.LogFilter == nil {
		return logView{}, nil
	}
	return logView{p.source.LogFilter(), true}, nil
}

// setLogFilter is a POST from the page of the log.
func (p *Pages) setLogFilter(w http.ResponseWriter, r *http.Request) {
	fields, _, err := posted(r, "filter")
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	body := map[string]string{"filter": fields["filter"]}
	if err := p.ask(r, http.MethodPost, "/api/admin/set_diagnostic_log_filter/v1", nil, body, nil); err != nil {
		p.refuse(w, r, err)
		return
	}
	p.tell(w, r, "The log filter was changed, until the next change or restart.")
}
