package web

import (
	"context"
	"iter"
	"net/netip"
	"time"
)

// Control is what an operator may look at and set off while the proxy runs. Its
// functions are called from any goroutine, several at a time; those that may wait
// take a context. by is who asks, for the log. An error is a *Refused, or else
// ours.
type Control struct {
	// Tree gives the actors that are alive, without asking them.
	Tree func(TreeQuery) (Node, error)
	// Restart has the parent of an actor bring it back, as after a failure.
	Restart func(ctx context.Context, path, by string) (Restarted, error)
	// Sessions are all that are open, in any order.
	Sessions func() iter.Seq[Session]
	// EndSessions ends those of them that are still open, first those that wait for
	// their client.
	EndSessions func(ids []uint64, by string) Ended
	// Reload reads the policy anew. Who waits for it may leave.
	Reload func(ctx context.Context) (Reloaded, error)
	// Drain has a listener, or all if it is "", take no more clients, and end their
	// sessions after limit; 0 is none. Undrain undoes that.
	Drain   func(ctx context.Context, listener string, limit time.Duration, by string) (Drained, error)
	Undrain func(ctx context.Context, listener, by string) (Drained, error)
	// Bans are those in force, the first to end first. Unban ends one; false: there
	// is none of that client or user.
	Bans  func() []Ban
	Unban func(client netip.Prefix, user, by string) bool
	// Sources are the sending addresses that are known, in any order.
	Sources func() ([]Source, error)
	// ChangeSources pauses, drains or resumes sources.
	ChangeSources func(ctx context.Context, c SourceChange) (ChangedSources, error)
	// BusyDestinations are the upstream addresses to which most CONNECTs went.
	BusyDestinations func() BusyDestinations
	// Probe tries sources towards a destination. It waits for that, at most
	// MostProbeTime.
	Probe func(ctx context.Context, r ProbeRequest) ([]ProbedSource, error)
	// Upgrade has the program as it is installed now take over.
	Upgrade func(ctx context.Context, by string) (Upgraded, error)
	// SourceRule is the rule by which an open session may have its source; empty: none.
	SourceRule func(id uint64) string
	// ReopenLog opens the access log anew.
	ReopenLog func(ctx context.Context) error
}

// Refused is an error that a request is to blame for, or what it asks about.
type Refused struct {
	Status int // of the answer
	Err    error
}

func (r *Refused) Error() string { return r.Err.Error() }

// Unwrap lets errors.Is see what is behind it.
func (r *Refused) Unwrap() error { return r.Err }

// TreeQuery says what of the tree is wanted.
type TreeQuery struct {
	Path        string // of the topmost actor; "": all
	Depth       int    // levels below it; negative: all
	Connections int    // that each listener shows at most
	After       string // the Next of an earlier answer
}

// Node is an actor with those below it, as the API has it.
type Node struct {
	Path        string    `json:"path" required:"true" description:"Of names, from the root."`
	Kind        string    `json:"kind" required:"true" enum:"supervisor,listener,acceptor,connection,metrics,web,sources,source"`
	State       string    `json:"state" required:"true" description:"running, failed (it waits to be brought back) or stopping; of a connection its phase."`
	Since       time.Time `json:"since" required:"true" description:"When it began, or was brought back last."`
	Restarts    uint64    `json:"restarts" required:"true" description:"How often its parent brought it back, after a failure, for a reload or by request."`
	LastFailure *Failure  `json:"last_failure" required:"true" nullable:"true"`
	Mailbox     int       `json:"mailbox" required:"true" description:"Messages that wait."`
	Children    []Node    `json:"children" nullable:"false"`
	Summarised  *LeftOut  `json:"summarised,omitempty" description:"The connections that are not among the children."`
	Next        string    `json:"next,omitempty" description:"With it as after, and this path, the connections that follow are shown."`
}

// Failure is why an actor failed last.
type Failure struct {
	At    time.Time `json:"at" required:"true"`
	Error string    `json:"error" required:"true"`
}

// LeftOut counts connections by their phase, and sources.
type LeftOut struct {
	Connections int            `json:"connections" required:"true"`
	ByPhase     map[string]int `json:"by_phase" required:"true" nullable:"false"`
	Sources     int            `json:"sources,omitempty" description:"Sources that are not among the children."`
}

// Restarted says what a restart has done.
type Restarted struct {
	Path     string `json:"path" required:"true"`
	Kind     string `json:"kind" required:"true"`
	What     string `json:"what" required:"true" description:"For people."`
	Restarts uint64 `json:"restarts" required:"true" description:"As the tree has it, this one included once it is done."`
}

// Session is one that is open. What is not known (yet) is zero.
type Session struct {
	ID       uint64
	Listener string
	Client   netip.AddrPort
	User     string
	// Source and Destination are the two ends of the connection to the upstream.
	Source, Destination netip.AddrPort
	Group               string // of the destination; empty: none
	Phase               string
	WaitsForUpstream    bool // else for the client
	Since               time.Time
	Idle                time.Duration
	Received, Sent      uint64
	Old                 bool // of the process that this one has taken over from
}

// Ended says how many sessions were ended, by the side that they waited for.
type Ended struct{ WaitingForClient, WaitingForUpstream int }

// Reloaded is what a reload has come to.
type Reloaded struct {
	Result     string     `json:"result" required:"true" enum:"ok,unchanged"`
	Difference Difference `json:"difference" required:"true"`
}

// Difference is what a reload has changed of the listeners.
type Difference struct {
	Added     []string `json:"added" required:"true" nullable:"false"`
	Changed   []string `json:"changed" required:"true" nullable:"false"`
	Removed   []string `json:"removed" required:"true" nullable:"false"`
	Unchanged int      `json:"unchanged" required:"true"`
}

// Drained says which listeners are drained, or are no more, and how many sessions
// they have, by the side that these wait for.
type Drained struct {
	Listeners          []string `json:"listeners" required:"true" nullable:"false"`
	Sessions           int      `json:"sessions" required:"true"`
	WaitingForClient   int      `json:"waiting_for_client" required:"true"`
	WaitingForUpstream int      `json:"waiting_for_upstream" required:"true"`
}
