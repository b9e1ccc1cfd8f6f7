package web

import (
	"net/http"

	"github.com/troupe-proxy/troupe/internal/machineinfo"
)

// operation is what the description of the API says of one method of one path:
// the types are those that its handler reads and writes.
type operation struct {
	method, path string
	id, tag      string
	summary      string
	about        string
	needs        Privilege
	request      any // a struct with the parameters or the body; nil: none
	needsBody    bool
	answers      []reply
}

// reply is one answer that an operation may give.
type reply struct {
	status int
	// types are what it may be in, its first as a rule; none: the body is empty.
	types []string
	// body is what a JSON body is made of; nil: it is text.
	body  any
	about string
}

// Tags of operations.
const (
	tagMetrics = "metrics"
	tagHealth  = "health"
	tagAdmin   = "admin"
	tagNode    = "node"
)

// Types as the description has them.
const (
	textType        = "text/plain"
	openMetricsType = "application/openmetrics-text"
)

func text(status int, about string) reply {
	return reply{status: status, types: []string{textType}, about: about}
}

func empty(status int, about string) reply { return reply{status: status, about: about} }

// metricsDocument is what /metrics.json is made of: the families by their names.
type metricsDocument map[string]metricsFamily

// metricsFamily is one family. How its value looks depends on the labels.
type metricsFamily struct {
	Help  string `json:"help,omitempty"`
	Type  string `json:"type" required:"true" enum:"counter,gauge,histogram"`
	Value any    `json:"value" description:"A figure; with one label the figures by its values, under its name; with more an array of series, with the figure under @; null without a series."`
}

// operations are all of the API but its own description.
func operations() []operation {
	return []operation{
		{
			method: http.MethodGet, path: "/metrics", id: "metrics", tag: tagMetrics, needs: Trusted,
			summary: "The figures, for Prometheus", request: metricsQuery{},
			answers: []reply{
				{status: 200, types: []string{textType, openMetricsType}, about: "The text format, or OpenMetrics for who asks for it."},
				text(400, "The prefix cannot begin a name."), text(500, "Nothing could be gathered."),
			},
		},
		{
			method: http.MethodGet, path: "/metrics.json", id: "metrics_json", tag: tagMetrics, needs: Trusted,
			summary: "The figures as JSON, in KumoMTA's shape",
			answers: []reply{
				{status: 200, types: []string{jsonType}, body: metricsDocument{}, about: "A member for each family."},
				text(500, "Nothing could be gathered."),
			},
		},
		{
			method: http.MethodGet, path: "/proxy/status", id: "proxy_status", tag: tagHealth,
			summary: "Whether every listener accepts",
			answers: []reply{text(200, "All accept."), text(503, "One does not; a trusted host is told which, and why.")},
		},
		{
			method: http.MethodGet, path: "/livez", id: "live", tag: tagHealth,
			summary: "Whether the event loops move", about: "While it says no, a restart would help.",
			answers: []reply{text(200, "They do."), text(503, "One does not.")},
		},
		{
			method: http.MethodGet, path: "/readyz", id: "ready", tag: tagHealth, request: readyQuery{},
			summary: "Whether clients had better be sent here", about: "It says no while the proxy is on its way out.",
			answers: []reply{text(200, "Yes."), text(400, "The query cannot be read."), text(503, "No; the text says why.")},
		},
		{
			method: http.MethodGet, path: "/api/machine-info", id: "machine_info", tag: tagNode, needs: Trusted,
			summary: "The machine that the proxy runs on",
			answers: []reply{
				{status: 200, types: []string{jsonType}, body: machineinfo.Info{}, about: "What is known of it."},
				text(503, "That is not known yet."),
			},
		},
		{
			method: http.MethodPost, path: "/api/admin/bump-config-epoch", id: "bump_config_epoch", tag: tagAdmin, needs: Trusted,
			summary: "Have the policy's states and caches made anew",
			answers: []reply{empty(200, "They will be, each when it is needed next.")},
		},
		{
			method: http.MethodGet, path: "/api/admin/memory/stats", id: "memory_stats", tag: tagAdmin, needs: Trusted,
			summary: "Where memory is", about: "A text for people, with no form to rely on.",
			answers: []reply{text(200, "The figures.")},
		},
		{
			method: http.MethodGet, path: "/api/admin/task-dump", id: "task_dump", tag: tagAdmin, needs: Trusted,
			summary: "What the goroutines are doing", about: "A text for people, with no form to rely on.", request: taskDumpQuery{},
			answers: []reply{text(200, "Where they are."), text(400, "The query cannot be read."), text(503, "Another dump is being made.")},
		},
		{
			method: http.MethodPost, path: "/api/admin/set_diagnostic_log_filter/v1", id: "set_diagnostic_log_filter_v1", tag: tagAdmin, needs: Trusted,
			summary: "Change what is logged", request: logFilterRequest{}, needsBody: true,
			answers: []reply{
				empty(200, "It is changed."), text(400, "The body is no JSON, or the text no filter."),
				text(408, "The body did not come in time."), text(422, "The JSON is not such an object."),
			},
		},
	}
}

// common are the answers that an operation may give besides its own.
func (o operation) common() []reply {
	replies := []reply{
		empty(405, "The path is there, and the method is not: see Allow."),
		text(413, "The body is longer than request_body_limit."),
	}
	unsupported := empty(415, "The Content-Encoding is not known: see Accept-Encoding.")
	if o.method == http.MethodPost {
		unsupported = text(415, "The body is no JSON, or in an encoding that is not known: see Accept-Encoding.")
		if o.request == nil {
			unsupported = empty(415, unsupported.about)
		}
		replies = append(replies, text(403, "The request is not permitted, or comes from a page of another origin."))
	}
	if o.needs == Trusted {
		replies = append(replies, text(401, "The client is no trusted host, and has not logged in."))
		if o.method != http.MethodPost {
			replies = append(replies, text(403, "The request is not permitted."))
		}
	}
	return append(replies, unsupported)
}
