package pages

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/troupe-proxy/troupe/internal/adminclient"
	"github.com/troupe-proxy/troupe/internal/history"
)

// overview is the first page: what needs a person, then how the listeners do.
type overview struct {
	Problems  []concern
	Listeners []listenerView
	Serving   bool // a listener is not drained
	Drained   bool // one is
}

// listenerView is one listener with what it has counted.
type listenerView struct {
	Listener
	Figure  history.Figure
	Rates   rates
	Reasons []reason
	Plots   []plot
}

func (p *Pages) overview(r *http.Request) (any, error) {
	seen, samples := p.glance(), p.samples()
	o := overview{Problems: p.concerns(r, seen, samples)}
	for _, l := range p.source.Listeners() {
		counted := countedBy(samples, l.Address)
		v := listenerView{Listener: l, Rates: counted.rates(), Reasons: counted.reasons(), Plots: counted.plots()}
		v.Figure, _ = history.Sample{Figures: seen.figures}.Of(l.Address)
		o.Listeners = append(o.Listeners, v)
		o.Serving, o.Drained = o.Serving || !l.Drained, o.Drained || l.Drained
	}
	return o, nil
}

func (p *Pages) samples() []history.Sample {
	if p.source.History == nil {
		return nil
	}
	return p.source.History()
}

// concern is something that needs a person.
type concern struct {
	What   string
	Why    string
	Where  string // a page that says more; empty: none
	Urgent bool   // clients are not served
}

const (
	// fullFiles is the share of its descriptors from which on the daemon is short of
	// them: it needs some to reload and to answer.
	fullFiles = 0.9
	// noResources is the reason of sessions that ended for lack of descriptors.
	noResources = "no_resources"
	// recent is how long a failure that was mended is worth a word.
	recent = history.Span
)

// concerns are in the order of their weight.
func (p *Pages) concerns(r *http.Request, seen glance, samples []history.Sample) (all []concern) {
	for _, l := range p.source.Listeners() {
		switch {
		case l.Accepting:
		case l.Drained:
			all = append(all, concern{What: l.Address + " is drained", Why: capital(l.Failure) + ". Clients are refused, and its sessions go on."})
		default:
			all = append(all, concern{What: l.Address + " does not accept clients", Why: l.Failure, Where: "/ui/tree", Urgent: true})
		}
	}
	if p.source.Draining != nil && p.source.Draining() {
		all = append(all, concern{What: "The proxy is shutting down", Why: "It ends once its sessions have."})
	}
	all = append(all, p.policyConcerns(seen)...)
	all = append(all, fileConcerns(seen, samples)...)
	if seen.err != nil {
		all = append(all, concern{What: "Not all figures can be read", Why: seen.err.Error()})
	}
	return append(all, p.failures(r)...)
}

func (p *Pages) policyConcerns(seen glance) (all []concern) {
	if last := p.lastReload(); last.Result == reloadFailed {
		all = append(all, concern{What: "The last reload was refused; the policy before it goes on", Why: last.Problem, Where: "/ui/policy"})
	}
	if seen.fallback {
		all = append(all, concern{
			What: "The policy kept from an earlier run is served", Where: "/ui/policy",
			Why: "The file was broken or missing at the start. Mend it and reload.",
		})
	}
	return all
}

func fileConcerns(seen glance, samples []history.Sample) (all []concern) {
	if seen.mostFiles > 0 && seen.openFiles >= fullFiles*seen.mostFiles {
		all = append(all, concern{
			What: "Descriptors are short",
			Why:  fmt.Sprintf("%s of %s are in use.", formatNumber(seen.openFiles), formatNumber(seen.mostFiles)),
		})
	}
	turned := uint64(0)
	for _, f := range seen.figures {
		for _, one := range countedBy(samples, f.Listener).reasons() {
			if one.Name == noResources {
				turned += one.Count
			}
		}
	}
	if turned > 0 {
		all = append(all, concern{
			What: "Clients were turned away for want of descriptors or memory", Urgent: true,
			Why: formatNumber(float64(turned)) + " in the last 15 minutes. Raise LimitNOFILE, or send clients elsewhere.",
		})
	}
	return all
}

// failures are the parts that wait to be brought back, or have failed a short time
// ago. A client that may not see the tree is told of none.
func (p *Pages) failures(r *http.Request) (all []concern) {
	var tree adminclient.Tree
	if p.ask(r, http.MethodGet, "/api/admin/tree", url.Values{"limit": {"0"}}, nil, &tree) != nil {
		return nil
	}
	each(&tree.Root, func(n *adminclient.Node) {
		f := n.LastFailure
		switch {
		case n.State == "failed":
			c := concern{What: n.Path + " has failed and waits to be brought back", Where: "/ui/tree", Urgent: true}
			if f != nil {
				c.Why = f.Error
			}
			all = append(all, c)
		case f != nil && time.Since(f.At) < recent:
			all = append(all, concern{
				What: n.Path + " was brought back", Where: "/ui/tree",
				Why: "It failed at " + f.At.UTC().Format("15:04:05 UTC") + ": " + f.Error,
			})
		}
	})
	slices.SortStableFunc(all, func(a, b concern) int {
		switch {
		case a.Urgent == b.Urgent:
			return 0
		case a.Urgent:
			return -1
		}
		return 1
	})
	return all
}
