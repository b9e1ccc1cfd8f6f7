package actors

// Fault is the side that a failed session is put down to.
type Fault uint8

const (
	FaultClient Fault = iota
	FaultUpstream
	FaultPolicy
	FaultProxy
)

var faultNames = [...]string{"client", "upstream", "policy", "proxy"}

func (f Fault) String() string { return faultNames[f] }

// Reason is why a session failed. A failed session has exactly one; it is the
// log field and the label of proxy_session_failures_total.
type Reason uint8

const (
	// ReasonNone: the session did not fail (yet).
	ReasonNone Reason = iota
	// ReasonProtocol: what the client sent is not SOCKS5.
	ReasonProtocol
	// ReasonNoMethod: no authentication method in common.
	ReasonNoMethod
	// ReasonAuthFailed: wrong credentials, or none can be right.
	ReasonAuthFailed
	// ReasonCommand: a command that is not served, answered 07.
	ReasonCommand
	// ReasonAddressType: an address type that is not served, answered 08.
	ReasonAddressType
	// ReasonHandshakeTimeout: the client took too long over a step.
	ReasonHandshakeTimeout
	// ReasonClientLeft: the client closed between its first byte and its CONNECT.
	ReasonClientLeft
	// ReasonClientLeftDialing: the client closed while the upstream was dialled.
	ReasonClientLeftDialing
	// ReasonSourceUnplumbed: the source asked for is not an address of this host.
	ReasonSourceUnplumbed
	// ReasonBindFailed: the source could not be bound for another reason.
	ReasonBindFailed
	// ReasonFamilyMismatch: source and upstream share no address family.
	ReasonFamilyMismatch
	// ReasonRefused, and so on to ReasonDialFailed: how dialling ended, see egress.
	ReasonRefused
	ReasonNetworkUnreachable
	ReasonHostUnreachable
	ReasonConnectTimeout
	ReasonNameNotFound
	ReasonResolveFailed
	ReasonNotPermitted
	ReasonDialFailed
	// ReasonNoPort: the source has no free port to that upstream.
	ReasonNoPort
	// ReasonNoResources: descriptors or memory ran out.
	ReasonNoResources
	// ReasonShutdown: the session was cut because the daemon or its listener stops.
	ReasonShutdown
	// ReasonInternal: a fault of ours, contained to this session.
	ReasonInternal
	// ReasonTLSHandshake: the TLS handshake failed, or took too long.
	ReasonTLSHandshake
	// ReasonTLSTruncated: the client's TLS stream broke off without close_notify
	// during the relay, so that what the upstream got may not be all of it.
	ReasonTLSTruncated
	// ReasonDenied: the policy's handler said no to the request.
	ReasonDenied
	// ReasonHookFailed: the policy was asked and gave no answer that can be
	// followed. It says nothing about the client.
	ReasonHookFailed
	// ReasonClientRefused: the listener does not serve clients from there.
	ReasonClientRefused
	// ReasonSourceRefused: the source is not within allow_sources.
	ReasonSourceRefused
	// ReasonSourceRequired: the client has to choose a source and did not.
	ReasonSourceRequired
	// ReasonSourceMisconfigured: the source that the policy has for clients who
	// choose none is not an address of this host.
	ReasonSourceMisconfigured
	// ReasonDestinationRefused: no address of the destination may be dialled.
	ReasonDestinationRefused
	// ReasonNamesRefused: the destination is a name, and is to be an address.
	ReasonNamesRefused
	// ReasonSourcePaused: somebody has paused the source.
	ReasonSourcePaused
	// ReasonSourceDraining: somebody drains the source.
	ReasonSourceDraining
	// ReasonNoSource: of the sources that the policy has for clients who choose none,
	// each is paused, drained or not an address of this host.
	ReasonNoSource
	// ReasonEndedByAdmin: somebody who may do so has ended the session.
	ReasonEndedByAdmin
	// ReasonAuthBanned: a login of who has failed too often. The client is told what
	// it is for ReasonAuthFailed.
	ReasonAuthBanned
	// ReasonLimitConnections, and so on to ReasonLimitDestination: as many sessions
	// as the policy's limits allow are open, or have begun in this second.
	ReasonLimitConnections
	ReasonLimitClient
	ReasonLimitClientRate
	ReasonLimitUser
	ReasonLimitSource
	ReasonLimitDestination
	// ReasonHeader: there is no PROXY header where one is due, or none that can be read.
	ReasonHeader
	// ReasonClientIdle and ReasonUpstreamIdle: nothing moved for idle_timeout, while
	// that side was waited for. They are one reason with two faults, as are the two
	// that follow.
	ReasonClientIdle
	ReasonUpstreamIdle
	// ReasonClientHalfOpen and ReasonUpstreamHalfOpen: that side went on without a
	// byte for half_close_timeout when the other one had ended its stream.
	ReasonClientHalfOpen
	ReasonUpstreamHalfOpen
	// ReasonConnectTimeoutClientLeft: the client closed when the upstream that was
	// dialled had not answered for 10 s.
	ReasonConnectTimeoutClientLeft
	// ReasonMaxSession: the session had relayed for max_session.
	ReasonMaxSession
	// ReasonMemoryPressure: memory is short, and new clients are turned away first.
	ReasonMemoryPressure

	reasonCount
)

var reasons = [reasonCount]struct {
	name  string
	fault Fault
}{
	ReasonNone:                     {"none", FaultProxy},
	ReasonProtocol:                 {"protocol", FaultClient},
	ReasonNoMethod:                 {"no_method", FaultClient},
	ReasonAuthFailed:               {"auth_failed", FaultClient},
	ReasonCommand:                  {"command", FaultClient},
	ReasonAddressType:              {"address_type", FaultClient},
	ReasonHandshakeTimeout:         {"handshake_timeout", FaultClient},
	ReasonClientLeft:               {"client_left", FaultClient},
	ReasonClientLeftDialing:        {"client_left_dialing", FaultClient},
	ReasonSourceUnplumbed:          {"source_unplumbed", FaultClient},
	ReasonBindFailed:               {"bind_failed", FaultProxy},
	ReasonFamilyMismatch:           {"family_mismatch", FaultClient},
	ReasonRefused:                  {"refused", FaultUpstream},
	ReasonNetworkUnreachable:       {"network_unreachable", FaultUpstream},
	ReasonHostUnreachable:          {"host_unreachable", FaultUpstream},
	ReasonConnectTimeout:           {"connect_timeout", FaultUpstream},
	ReasonNameNotFound:             {"name_not_found", FaultUpstream},
	ReasonResolveFailed:            {"resolve_failed", FaultProxy},
	ReasonNotPermitted:             {"not_permitted", FaultProxy},
	ReasonDialFailed:               {"dial_failed", FaultUpstream},
	ReasonNoPort:                   {"ports_exhausted", FaultProxy},
	ReasonNoResources:              {"no_resources", FaultProxy},
	ReasonShutdown:                 {"shutdown", FaultProxy},
	ReasonInternal:                 {"internal", FaultProxy},
	ReasonTLSHandshake:             {"tls_handshake", FaultClient},
	ReasonTLSTruncated:             {"tls_truncated", FaultClient},
	ReasonDenied:                   {"denied", FaultPolicy},
	ReasonHookFailed:               {"hook_failed", FaultPolicy},
	ReasonClientRefused:            {"client_refused", FaultClient},
	ReasonSourceRefused:            {"source_refused", FaultPolicy},
	ReasonSourceRequired:           {"source_required", FaultClient},
	ReasonSourceMisconfigured:      {"source_misconfigured", FaultPolicy},
	ReasonDestinationRefused:       {"destination_refused", FaultPolicy},
	ReasonNamesRefused:             {"names_refused", FaultPolicy},
	ReasonSourcePaused:             {"source_paused", FaultPolicy},
	ReasonSourceDraining:           {"source_draining", FaultPolicy},
	ReasonNoSource:                 {"no_source", FaultPolicy},
	ReasonEndedByAdmin:             {"ended_by_admin", FaultProxy},
	ReasonHeader:                   {"proxy_header", FaultClient},
	ReasonClientIdle:               {"idle_timeout", FaultClient},
	ReasonUpstreamIdle:             {"idle_timeout", FaultUpstream},
	ReasonClientHalfOpen:           {"half_close_timeout", FaultClient},
	ReasonUpstreamHalfOpen:         {"half_close_timeout", FaultUpstream},
	ReasonConnectTimeoutClientLeft: {"connect_timeout_client_left", FaultUpstream},
	ReasonMaxSession:               {"max_session", FaultPolicy},
	ReasonMemoryPressure:           {"memory_pressure", FaultProxy},
	ReasonAuthBanned:               {"auth_banned", FaultClient},
	ReasonLimitConnections:         {"limit_connections", FaultPolicy},
	ReasonLimitClient:              {"limit_client", FaultPolicy},
	ReasonLimitClientRate:          {"limit_client_rate", FaultPolicy},
	ReasonLimitUser:                {"limit_user", FaultPolicy},
	ReasonLimitSource:              {"limit_source", FaultPolicy},
	ReasonLimitDestination:         {"limit_destination", FaultPolicy},
}

func (r Reason) String() string { return reasons[r].name }

// Fault is the side that a session failed for this reason is put down to.
func (r Reason) Fault() Fault { return reasons[r].fault }

// End is how a session that relayed was ended by a peer; the label of
// proxy_sessions_ended_total.
type End uint8

const (
	EndFin   End = iota // both directions ended with an end of stream
	EndReset            // a peer reset it

	endCount
)

var endNames = [endCount]string{"fin", "reset"}

func (e End) String() string { return endNames[e] }

// Class is whether a session worked. Every accepted session ends in exactly one
// class, so that accepted = completed + failed + probed + active.
type Class uint8

const (
	Completed Class = iota // relayed, and ended by a peer
	Failed                 // never relayed, or cut by us
	Probed                 // closed before its first byte: a health check

	classCount
)

var classNames = [classCount]string{"completed", "failed", "probed"}

func (c Class) String() string { return classNames[c] }

// Outcome is how one session ended.
type Outcome struct {
	Class  Class
	Reason Reason // set exactly when Class is Failed
	End    End    // meaningful only when Class is Completed
}

func failed(r Reason) Outcome { return Outcome{Class: Failed, Reason: r} }
