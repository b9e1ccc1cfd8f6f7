package web

import (
	"container/list"
	"context"
	"net"
	"net/http"
	"sync"
)

// mostConnections is how many a server has at once. Their descriptors are taken
// from what sessions leave, so there are few of them.
const mostConnections = 100

// connections bounds the connections of a server. One too many takes the place
// of the one that has been without a whole request for longest, so that those who
// hold connections and ask nothing keep nobody out; if all have one, it is closed.
type connections struct {
	most int

	mu      sync.Mutex
	open    map[net.Conn]*connection
	waiting *list.List // of *connection, the one that waits for longest first
}

// connection is one of them. The fields belong to its connections' lock.
type connection struct {
	of      *connections
	conn    net.Conn
	serving int           // requests that are being answered; HTTP/2 has several
	place   *list.Element // in waiting; nil while serving
}

func newConnections(most int) *connections {
	return &connections{most: most, open: make(map[net.Conn]*connection), waiting: list.New()}
}

type connectionKey struct{}

// enter is told by net/http of a connection before it reads from it. Its requests
// find it in their context.
func (c *connections) enter(ctx context.Context, conn net.Conn) context.Context {
	one, surplus := c.add(conn)
	if surplus != nil {
		// Without the lock: a TLS connection says goodbye, and may wait.
		_ = surplus.Close() // its server finds that out
	}
	return context.WithValue(ctx, connectionKey{}, one)
}

// add keeps the books, and gives the connection that is to be closed, if any.
func (c *connections) add(conn net.Conn) (one *connection, surplus net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	one = &connection{of: c, conn: conn}
	if len(c.open) >= c.most {
		first := c.waiting.Front()
		if first == nil {
			return one, conn
		}
		surplus = first.Value.(*connection).conn
		c.remove(surplus)
	}
	c.open[conn] = one
	one.place = c.waiting.PushBack(one)
	return one, surplus
}

// leave is told by net/http how connections fare, and hears of their end.
func (c *connections) leave(conn net.Conn, state http.ConnState) {
	if state != http.StateClosed && state != http.StateHijacked {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(conn)
}

func (c *connections) remove(conn net.Conn) {
	one := c.open[conn]
	if one == nil {
		return
	}
	delete(c.open, conn)
	if one.place != nil {
		c.waiting.Remove(one.place)
		one.place = nil
	}
}

// busy keeps the connection of a request open while it is answered.
func busy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if one, _ := r.Context().Value(connectionKey{}).(*connection); one != nil {
			one.serve(1)
			defer one.serve(-1)
		}
		next.ServeHTTP(w, r)
	})
}

// serve notes that so many more requests are being answered.
func (o *connection) serve(more int) {
	c := o.of
	c.mu.Lock()
	defer c.mu.Unlock()
	o.serving += more
	switch {
	case c.open[o.conn] != o: // closed already
	case o.serving > 0 && o.place != nil:
		c.waiting.Remove(o.place)
		o.place = nil
	case o.serving == 0:
		o.place = c.waiting.PushBack(o)
	}
}
