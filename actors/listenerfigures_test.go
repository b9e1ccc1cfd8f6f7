package actors

import (
	"errors"
	"testing"

	"github.com/troupe-proxy/troupe/internal/transport"
)

// queued is a socket with a queue of its own.
type queued struct {
	transport.Listener
	waiting, limit uint32
	err            error
}

func (q *queued) Queue() (waiting, limit uint32, err error) { return q.waiting, q.limit, q.err }

func TestListenerFigures(t *testing.T) {
	tr := startTree(t)
	eventually(t, "the listener to be up", func() bool { return gather(t, tr.reg).sum("proxy_listener_up") == 1 })
	tr.send(tr.listenerName()+"/acceptor", &boom{})
	eventually(t, "the restart to be counted", func() bool { return gather(t, tr.reg).sum("proxy_acceptor_restarts_total") == 1 })
	before := gather(t, tr.reg).sum("troupe_dead_letters_total")
	tr.send("nobody", &boom{})
	eventually(t, "the dead letter", func() bool { return gather(t, tr.reg).sum("troupe_dead_letters_total") == before+1 })
}

// TestAcceptQueue: that of the socket that is served now, while it can be told.
func TestAcceptQueue(t *testing.T) {
	m := NewMetrics("test")
	a, err := m.open("l", 1, 0)
	must(t, err)
	wantQueue := func(want ...float64) {
		t.Helper()
		f := gather(t, m.Gatherer())
		if len(want) == 0 {
			if n := len(f["proxy_accept_queue"]); n != 0 {
				t.Errorf("there are %d queues; want none", n)
			}
			return
		}
		if got, limit := f.sum("proxy_accept_queue"), f.sum("proxy_accept_queue_limit"); got != want[0] || limit != want[1] {
			t.Errorf("got %v of %v; want %v of %v", got, limit, want[0], want[1])
		}
	}
	wantQueue()
	first, second := &queued{waiting: 3, limit: 4096}, &queued{waiting: 1, limit: 10}
	hideFirst := a.queue.of(first)
	wantQueue(3, 4096)
	hideSecond := a.queue.of(second)
	hideFirst()
	wantQueue(1, 10)
	second.err = errors.New("closed")
	wantQueue()
	second.err = nil
	hideSecond()
	wantQueue()
	a.queue.of(nil)()
	wantQueue()
}
