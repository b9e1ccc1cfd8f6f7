package actors

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-proxy/troupe/internal/census"
)

// Node is an actor with those below it.
type Node struct {
	Path     string
	Kind     Kind
	State    string // census.State, or of a connection its phase
	Since    time.Time
	Restarts uint64 // how often its parent brought it back
	// Failure is the last one, FailedAt when that was; nil: none.
	Failure  error
	FailedAt time.Time
	Mailbox  int // messages that wait
	Children []Node
	// Connections are those that were left out, by their phase.
	Connections map[string]int
	// Sources are how many source actors were left out.
	Sources int
	// Next, if set, is TreeQuery.After for the connections that follow.
	Next string
}

// TreeQuery says what of the tree is wanted.
type TreeQuery struct {
	Path  string // of the topmost; "": all
	Depth int    // how many levels below it; negative: all
	// Budget is how many connections each listener shows at most, the oldest first;
	// the others are counted. Of sources, as many are shown.
	Budget int
	After  string // the Next of an earlier answer; "": from the first on
}

// ErrCursor says that TreeQuery.After is none that was given out.
var ErrCursor = errors.New("expected what an earlier answer gave as next")

// Tree is the tree as it is now. It is read off the census: no actor is asked, and
// no relay waits. It may be called from any goroutine. The error wraps
// ErrUnknownActor, ErrActorEnded or ErrCursor.
func (s *System) Tree(q TreeQuery) (Node, error) {
	after, err := parseMark(q.After)
	if err != nil {
		return Node{}, err
	}
	b := branches{query: q, after: after, now: time.Now(), connections: s.connections(), children: make(map[string][]census.Actor)}
	path := cmp.Or(q.Path, s.root.Id)
	top, found := census.Actor{}, false
	for _, a := range s.live.tree.Actors() {
		if a.Path == path {
			top, found = a, true
		}
		b.children[parentOf(a.Path)] = append(b.children[parentOf(a.Path)], a)
	}
	switch {
	case found:
		return b.grow(top, 0), nil
	case b.connection(path) != nil:
		return b.connection(path).node(), nil
	}
	_, err = s.live.tree.Actor(path)
	return Node{}, fmt.Errorf("%s: %w", path, restartError(cmp.Or(err, census.ErrEnded))) // it came or went meanwhile
}

// connections are the sessions' actors by their listeners.
func (s *System) connections() map[string][]*connection {
	of := make(map[string][]*connection)
	for _, c := range s.live.sessions.All() {
		listener := parentOf(c.self.Id)
		of[listener] = append(of[listener], c)
	}
	return of
}

// parentOf is the path above another, "" above the root.
func parentOf(path string) string {
	i := strings.LastIndexByte(path, '/')
	return path[:max(i, 0)]
}

// branches is what a tree is made of.
type branches struct {
	query       TreeQuery
	after       position
	now         time.Time
	children    map[string][]census.Actor // by the path of the parent
	connections map[string][]*connection  // likewise
}

// grow is an actor with what is below it, which is that many levels below the top.
func (b *branches) grow(a census.Actor, level int) Node {
	n := Node{
		Path: a.Path, Kind: kindOf(a.Kind), State: string(a.State), Since: a.Since, Restarts: a.Restarts,
		Failure: a.Failure, FailedAt: a.FailedAt, Mailbox: a.Mailbox,
	}
	deep := b.query.Depth < 0 || level < b.query.Depth
	if deep {
		children := b.children[a.Path]
		if n.Kind == KindSources {
			children, n.Sources = b.someSources(children)
		}
		for _, child := range children {
			n.Children = append(n.Children, b.grow(child, level+1))
		}
	}
	b.attach(&n, deep)
	return n
}

// someSources are as many as there is room for, those that have failed first.
func (b *branches) someSources(all []census.Actor) (some []census.Actor, left int) {
	slices.SortStableFunc(all, func(x, y census.Actor) int { return y.FailedAt.Compare(x.FailedAt) })
	shown := min(len(all), b.query.Budget)
	return all[:shown], len(all) - shown
}

// attach gives a listener the connections that there is room for, and counts the
// others.
func (b *branches) attach(n *Node, deep bool) {
	all := b.connections[n.Path]
	if len(all) == 0 {
		return
	}
	var shown []*connection
	if deep {
		shown = b.page(all)
	}
	if len(shown) < len(all) {
		n.Connections = make(map[string]int)
	}
	for _, c := range all {
		if n.Connections != nil {
			n.Connections[c.shownPhase().String()]++
		}
	}
	for _, c := range shown {
		node := c.node()
		if n.Connections != nil {
			n.Connections[node.State]--
		}
		n.Children = append(n.Children, node)
	}
	for p, count := range n.Connections {
		if count <= 0 { // fewer than none: it has gone on to another phase meanwhile
			delete(n.Connections, p)
		}
	}
	if k := len(shown); k > 0 && k == b.query.Budget {
		n.Next = shown[k-1].position().String()
	}
}

// page are the oldest connections behind the mark.
func (b *branches) page(all []*connection) []*connection {
	behind := make([]*connection, 0, len(all))
	for _, c := range all {
		if b.after.before(c.position()) {
			behind = append(behind, c)
		}
	}
	slices.SortFunc(behind, func(x, y *connection) int { return x.position().compare(y.position()) })
	return behind[:min(len(behind), b.query.Budget)]
}

// connection is the one at a path, nil if there is none.
func (b *branches) connection(path string) *connection {
	for _, c := range b.connections[parentOf(path)] {
		if c.self.Id == path {
			return c
		}
	}
	return nil
}

// node is for any goroutine.
func (c *connection) node() Node {
	return Node{
		Path: c.self.Id, Kind: KindConnection, State: c.shownPhase().String(), Since: c.record.since,
		Mailbox: c.inbox.UserMessageCount(),
	}
}

// position is the place of a connection among those of a listener: when it was
// accepted, and its number, since many may be at one moment.
type position struct {
	since int64
	id    uint64
}

func (c *connection) position() position { return position{c.record.since.UnixNano(), c.record.id} }

func (m position) compare(o position) int {
	return cmp.Or(cmp.Compare(m.since, o.since), cmp.Compare(m.id, o.id))
}

func (m position) before(o position) bool { return m.compare(o) < 0 }

func (m position) String() string {
	return strconv.FormatInt(m.since, 36) + "." + strconv.FormatUint(m.id, 36)
}

// parseMark reads what String wrote; "" is before all.
func parseMark(text string) (m position, err error) {
	if text == "" {
		return m, nil
	}
	since, id, _ := strings.Cut(text, ".")
	var bad error
	m.since, err = strconv.ParseInt(since, 36, 64)
	m.id, bad = strconv.ParseUint(id, 36, 64)
	if err != nil || bad != nil {
		return position{}, fmt.Errorf("after: %w", ErrCursor)
	}
	return m, nil
}
