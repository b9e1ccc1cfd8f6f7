package metricdoc

import "strings"

// row is a titled row of charts.
type row struct {
	title  string
	charts []chart
}

// chart shows queries over time, or what they are now.
type chart struct {
	title, doc, unit string
	now              bool
	queries          []query
}

type query struct{ expr, legend string }

// of makes a query. HOST stands for the hosts that were chosen, LISTENER for the
// listeners that were chosen on them.
func of(expr, legend string) query {
	return query{strings.NewReplacer(
		"HOST", `instance=~"$instance"`,
		"LISTENER", `instance=~"$instance", listener=~"$listener"`,
	).Replace(expr), legend}
}

// rows are the dashboard from top to bottom: whether all is well, what the mail
// does, and what the host has left.
func rows() []row {
	return []row{
		{"Now", nowCharts()},
		{"Mail", mailCharts()},
		{"Sources", sourceCharts()},
		{"Policy", policyCharts()},
		{"Host", hostCharts()},
	}
}

func nowCharts() []chart {
	return []chart{
		{"Listeners down", "More than 0: clients are not accepted. /proxy/status says why. drained: somebody wants it so.", "short", true, []query{
			of(`sum(1 - proxy_listener_up{LISTENER} - proxy_listener_drained{LISTENER})`, "down"),
			of(`sum(proxy_listener_drained{LISTENER})`, "drained"),
		}},
		{"Sessions", "Open now.", "short", true,
			[]query{of(`sum(proxy_active_connections{LISTENER})`, "sessions")}},
		{"Failures of this proxy, last hour", "Those put down to the proxy itself.", "short", true,
			[]query{of(`sum(increase(proxy_session_failures_total{LISTENER, fault="proxy", reason!~"shutdown|ended_by_admin"}[1h]))`, "failures")}},
		{"Version", "", "short", true,
			[]query{of(`count by (version) (troupe_build_info{HOST})`, "{{version}}")}},
		{"Running on a kept policy", "1: the file was broken at the start. Mend it and reload.", "short", true,
			[]query{of(`max by (instance) (policy_fallback{HOST})`, "{{instance}}")}},
		{"Certificate that expires first", "", "s", true,
			[]query{of(`min(proxy_tls_certificate_not_after_seconds{LISTENER}) - time()`, "left")}},
	}
}

func mailCharts() []chart {
	return []chart{
		{"Sessions", "Open sessions of each listener.", "short", false,
			[]query{of(`sum by (instance, listener) (proxy_active_connections{LISTENER})`, "{{instance}} {{listener}}")}},
		{"Connections by how they ended", "Each accepted connection ends as one of these.", "cps", false, []query{
			of(`sum(rate(proxy_connections_completed_total{LISTENER}[$__rate_interval]))`, "completed"),
			of(`sum(rate(proxy_connections_failed_total{LISTENER}[$__rate_interval]))`, "failed"),
			of(`sum(rate(proxy_connections_probed_total{LISTENER}[$__rate_interval]))`, "probed"),
		}},
		{"Failures by side and reason", "client and upstream: what peers did. proxy: for whoever runs this host.", "cps", false,
			[]query{of(`sum by (fault, reason) (rate(proxy_session_failures_total{LISTENER}[$__rate_interval])) > 0`, "{{fault}}: {{reason}}")}},
		{"Dials by result", "CONNECT requests by how dialling the mail server ended.", "cps", false,
			[]query{of(`sum by (result) (rate(proxy_dials_total{LISTENER}[$__rate_interval]))`, "{{result}}")}},
		{"Time to connect", "From CONNECT to the dial's result.", "s", false, []query{
			of(`histogram_quantile(0.5, sum by (le) (rate(proxy_connect_duration_seconds_bucket{LISTENER}[$__rate_interval])))`, "median"),
			of(`histogram_quantile(0.95, sum by (le) (rate(proxy_connect_duration_seconds_bucket{LISTENER}[$__rate_interval])))`, "95 %"),
			of(`histogram_quantile(0.99, sum by (le) (rate(proxy_connect_duration_seconds_bucket{LISTENER}[$__rate_interval])))`, "99 %"),
		}},
		{"Traffic", "Bytes that the receiver's socket has taken.", "Bps", false, []query{
			of(`sum(rate(proxy_bytes_received_total{LISTENER}[$__rate_interval]))`, "to mail servers"),
			of(`sum(rate(proxy_bytes_sent_total{LISTENER}[$__rate_interval]))`, "to clients"),
		}},
		{"Busiest destinations", "Connections made to an upstream address.", "cps", false,
			[]query{of(`topk(10, sum by (destination) (rate(proxy_outbound_connections_total{LISTENER}[$__rate_interval])))`, "{{destination}}")}},
		{"Length of sessions", "From accept to the end, of sessions that relayed.", "s", false,
			[]query{of(`histogram_quantile(0.95, sum by (le) (rate(proxy_session_duration_seconds_bucket{LISTENER}[$__rate_interval])))`, "95 %")}},
		{"Sessions ended by", "A reset where fin is usual is a sign of trouble on the way.", "cps", false,
			[]query{of(`sum by (end) (rate(proxy_sessions_ended_total{LISTENER}[$__rate_interval]))`, "{{end}}")}},
	}
}

func sourceCharts() []chart {
	return []chart{
		{"What receivers say first", "5xx: receivers announce a block there; troupe sources has the text. none: nothing that can be seen, as on port 465.", "cps", false,
			[]query{of(`sum by (class) (rate(proxy_banner_total{HOST}[$__rate_interval]))`, "{{class}}")}},
		{"Sources that are refused most", "Sessions that began with 5xx.", "cps", false,
			[]query{of(`topk(10, sum by (source) (rate(proxy_banner_total{HOST, class="5xx"}[$__rate_interval])))`, "{{source}}")}},
		{"Destination groups that refuse most", "Sessions that began with 5xx, by source. A source that several groups refuse is on a list that they share.", "cps", false,
			[]query{of(`topk(10, sum by (source, group) (rate(proxy_group_banner_total{HOST, class="5xx"}[$__rate_interval])))`, "{{source}} {{group}}")}},
		{"Sources out of service", "gone: the policy or a client names them, and the host has no such address.", "short", false, []query{
			of(`sum by (instance) (proxy_source_missed{HOST})`, "{{instance}} gone"),
			of(`sum by (instance) (proxy_source_paused{HOST})`, "{{instance}} paused or drained"),
		}},
		{"Ports in use, of the source with the fewest left", "Near 1: dials to its busiest destination fail.", "percentunit", false,
			[]query{of(`max by (instance) (proxy_source_ports_used_ratio{HOST})`, "{{instance}}")}},
	}
}

func policyCharts() []chart {
	return []chart{
		{"Time in hooks, 95 %", "Waiting for a Lua state included. Clients wait as long.", "s", false,
			[]query{of(`histogram_quantile(0.95, sum by (le, event) (rate(lua_event_latency_bucket{HOST}[$__rate_interval])))`, "{{event}}")}},
		{"Hooks that failed", "Raised an error, took too long, or found no Lua state.", "cps", false,
			[]query{of(`sum by (event) (rate(proxy_hook_failed_total{HOST}[$__rate_interval]))`, "{{event}}")}},
		{"Lua states and calls that wait", "", "short", false, []query{
			of(`sum(lua_count{HOST})`, "states"),
			of(`sum(proxy_hook_waiting{HOST})`, "calls that wait"),
			of(`sum(proxy_hook_abandoned_states{HOST})`, "abandoned"),
		}},
		{"Reloads", "failed: the policy in the file is broken.", "short", false,
			[]query{of(`sum by (result) (increase(policy_reload_total{HOST}[$__rate_interval]))`, "{{result}}")}},
		{"Different policies", "More than 1: the hosts do not all serve the same policy.", "short", false,
			[]query{of(`count(count by (sha256) (policy_info{HOST}))`, "policies")}},
		{"Access log", "", "cps", false, []query{
			of(`sum(rate(proxy_access_log_lines_total{HOST}[$__rate_interval]))`, "lines"),
			of(`sum(rate(proxy_access_log_lines_lost_total{HOST}[$__rate_interval]))`, "lost"),
		}},
	}
}

func hostCharts() []chart {
	return []chart{
		{"Accept queue, of its limit", "Near 1: the kernel turns clients away.", "percentunit", false,
			[]query{of(`proxy_accept_queue{LISTENER} / proxy_accept_queue_limit{LISTENER}`, "{{instance}} {{listener}}")}},
		{"Restarts of acceptors", "Sessions stay. If it keeps growing, the log says over what.", "short", false,
			[]query{of(`sum by (instance, listener) (increase(proxy_acceptor_restarts_total{LISTENER}[$__rate_interval]))`, "{{instance}} {{listener}}")}},
		{"Descriptors, of their limit", "A session takes two.", "percentunit", false,
			[]query{of(`process_open_fds{HOST} / process_max_fds{HOST}`, "{{instance}}")}},
		{"Memory", "Resident.", "bytes", false,
			[]query{of(`process_resident_memory_bytes{HOST}`, "{{instance}}")}},
		{"Processor", "1 is one core.", "short", false,
			[]query{of(`rate(process_cpu_seconds_total{HOST}[$__rate_interval])`, "{{instance}}")}},
		{"Goroutines", "", "short", false,
			[]query{of(`go_goroutines{HOST}`, "{{instance}}")}},
	}
}
