package reference

import "github.com/troupe-proxy/troupe/lua/modules/spec"

// Event is something that a policy can have a handler for.
type Event struct {
	Name   string
	Params []spec.Param
	// Result is what the handler returns, in the notation of LuaLS; empty when
	// nobody looks at it.
	Result string
	Doc    string
}

// events are those that happen by themselves.
func events() []Event {
	meta := spec.Param{Name: "meta", Type: metaClass, Doc: "the connection"}
	return []Event{
		{
			Name: "proxy_init",
			Doc:  "Happens once for each load, after the top level. Listeners are started here and nowhere else. An error in it refuses the whole policy.",
		},
		{
			Name: "proxy_server_auth_rfc1929",
			Params: []spec.Param{
				{Name: "user", Type: "string", Doc: "as the client sent it, up to 255 bytes"},
				{Name: "password", Type: "string", Doc: "as the client sent it"},
				meta,
			},
			Result: "boolean|" + authClass,
			Doc: "Happens when a client gives a user name and a password. true: they are good. false: they are not, and the client is told so. " +
				"A table says who the client is; without an identity in it, it is a refusal. " +
				"An error, nil or anything else refuses the client as well, and counts as the policy's failure and not as the client's. " +
				"After an error or a deadline, but not after nil or anything else, auth_cache.stale_if_error may let a client in that was let in before.",
		},
		{
			Name:   "proxy_server_request",
			Params: []spec.Param{{Name: "request", Type: requestClass, Doc: "what the client asks for"}, meta},
			Result: "boolean|nil|" + decisionClass,
			Doc: "Happens at each BIND and each CONNECT, and at each header of a forward listener, which is a BIND of its source and a CONNECT. nil or true: it goes on. false: it is denied, answered 02. A table denies, or changes the source, the destination or both. " +
				"KumoMTA has no such event. When the handler fails, a BIND is granted all the same, since an MTA suspends a sending address whose BIND fails, and the CONNECT after it is answered 01.",
		},
		{
			Name:   "proxy_server_session_end",
			Params: []spec.Param{{Name: "session", Type: sessionClass, Doc: "what became of it"}},
			Doc: "Happens after a session has ended. Nobody waits for it. When more than 1024 ends wait, further ones are dropped and counted. " +
				"KumoMTA has no such event.",
		},
		{
			Name: "http_server_validate_auth_basic",
			Params: []spec.Param{
				{Name: "user", Type: "string", Doc: "as the client sent it"},
				{Name: "password", Type: "string?", Doc: "as the client sent it; nil when there was no colon behind the user"},
			},
			Result: "boolean|" + authClass,
			Doc: "Happens when a client of an HTTP listener gives a user name and a password. The answer is as that of proxy_server_auth_rfc1929, " +
				"but a table may have groups alone; it is remembered for 60 s. Whoever is vouched for may do what the access control lists say, see get_acl_definition.",
		},
		{
			Name:   "http_server_validate_auth_bearer",
			Params: []spec.Param{{Name: "token", Type: "string", Doc: "as the client sent it"}},
			Result: "boolean|" + authClass,
			Doc:    "Happens when a client of an HTTP listener gives a bearer token. The answer is as that of http_server_validate_auth_basic.",
		},
		{
			Name:   "get_acl_definition",
			Params: []spec.Param{{Name: "resource", Type: "string", Doc: "a resource, such as 'http_listener/*/metrics'"}},
			Result: "kumo.AccessControlList|nil",
			Doc: "Happens when an HTTP listener needs to know who may do something. It may have several handlers, which are asked in turn until one returns a value; " +
				"nil is a value, and to return nothing passes on to the next. Where none gives a list, the built-in ones hold. An error allows nothing.",
		},
	}
}

// The classes of what handlers are given and return.
const (
	metaClass     = "proxy.ConnectionMeta"
	authClass     = "proxy.AuthInfo"
	identityClass = "proxy.Identity"
	requestClass  = "proxy.Request"
	decisionClass = "proxy.Decision"
	sessionClass  = "proxy.SessionSummary"
)

// eventClasses describe the tables of the events.
func eventClasses() []spec.Class {
	who := []spec.Param{
		{Name: "user", Type: "string?", Doc: "the first identity of the client; nil when it was not asked"},
		{Name: "groups", Type: "string[]", Doc: "its groups; empty when it has none"},
	}
	meta := []spec.Param{
		{Name: "peer_address", Type: "string", Doc: "the client, as '192.0.2.7:4711' or '[2001:db8::7]:4711'"},
		{Name: "local_address", Type: "string", Doc: "the address that the listener is bound to, as '0.0.0.0:1080', in the same form"},
	}
	return []spec.Class{
		{Name: metaClass, Doc: "A client's connection.", Fields: meta},
		{Name: authClass, Doc: "Who a client is.", Fields: []spec.Param{
			{Name: "identities", Type: identityClass + "[]", Doc: "at least one, or nobody is let in; the first is the user of requests and logs. With HTTP, groups alone will do"},
			{Name: "groups", Type: "string[]?", Doc: "what it belongs to, for the handlers that follow"},
			{Name: "peer_address", Type: "string?", Doc: "not looked at; KumoMTA has it"},
		}},
		{Name: identityClass, Doc: "A name, and how it was vouched for.", Fields: []spec.Param{
			{Name: "identity", Type: "string", Doc: "the name"},
			{Name: "context", Type: "'ProxyAuthRfc1929'|'SmtpAuthPlainAuthentication'|'SmtpAuthPlainAuthorization'|'HttpBasicAuth'|'BearerToken'|'LocalSystem'|'GenericAuth'",
				Doc: "'ProxyAuthRfc1929' for what a SOCKS5 client has given"},
		}},
		{Name: requestClass, Doc: "What a client asks for.", Fields: append([]spec.Param{
			{Name: "command", Type: "'bind'|'connect'", Doc: "a BIND says from where, a CONNECT to where"},
			{Name: "source", Type: "string?", Doc: "the address of this host that the client wants to send from; nil when it has named none"},
			{Name: "destination", Type: "string?", Doc: "host and port of a connect, as '198.51.100.7:25' or 'mx.example:25'"},
			{Name: "destination_host", Type: "string?", Doc: "its host, an address or a name"},
			{Name: "destination_port", Type: "integer?", Doc: "its port"},
			{Name: "group", Type: "string?", Doc: "the group of the destination, see proxy.set_destination_groups; nil when it is in none, or is a name of which the addresses would say it"},
		}, who...)},
		{Name: decisionClass, Doc: "What becomes of a request. An empty table, or an unknown key, is an error.", Fields: []spec.Param{
			{Name: "deny", Type: "string?", Doc: "denies it, and says why: to the log, not to the client. Nothing can stand beside it"},
			{Name: "source", Type: "string?", Doc: "an address of this host, in place of the one asked for"},
			{Name: "destination", Type: "string?", Doc: "address and port, in place of those asked for; not for a bind"},
		}},
		{Name: sessionClass, Doc: "A session that has ended.", Fields: append(append(meta,
			spec.Param{Name: "source", Type: "string?", Doc: "where we sent from; nil when nothing was dialled"},
			spec.Param{Name: "destination", Type: "string?", Doc: "what was dialled"},
			spec.Param{Name: "outcome", Type: "'completed'|'failed'", Doc: "completed: relayed, and ended by one of the two sides"},
			spec.Param{Name: "end", Type: "'fin'|'reset'|nil", Doc: "how a completed one ended; write session['end']"},
			spec.Param{Name: "reason", Type: "string?", Doc: "why a failed one did, as in proxy_session_failures_total"},
			spec.Param{Name: "fault", Type: "'client'|'upstream'|'policy'|'proxy'|nil", Doc: "on whose side that was"},
			spec.Param{Name: "bytes_received", Type: "integer", Doc: "from the client"},
			spec.Param{Name: "bytes_sent", Type: "integer", Doc: "to the client"},
			spec.Param{Name: "duration", Type: "number", Doc: "seconds since it was accepted"},
		), who...)},
	}
}
