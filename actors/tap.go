package actors

// Kind is what an actor is.
type Kind uint8

const (
	KindSupervisor Kind = iota
	KindListener
	KindAcceptor
	KindConnection
	KindMetrics
	KindWeb
	KindSources
	KindSource
)

var kindNames = [...]string{"supervisor", "listener", "acceptor", "connection", "metrics", "web", "sources", "source"}

func (k Kind) String() string { return kindNames[k] }

// Tap sees every message of every actor just before the actor does, on the
// actor's goroutine, but for those that end the actor. It must not block. A
// panic in it is a panic of that actor, which is how the tests make one fail.
type Tap func(kind Kind, message any)

func noTap(Kind, any) {}
