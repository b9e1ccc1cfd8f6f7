package queue

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troupe-proxy/troupe/lua/modules/service/internal/luatest"
)

// pair is two states that have the queue q, of two places.
func pair(t *testing.T) (all *Queues, a, b *luatest.State) {
	t.Helper()
	all = New()
	a, b = luatest.New(t, all.Module()), luatest.New(t, all.Module())
	for _, s := range []*luatest.State{a, b} {
		s.Must(t, `q = kumo.mpsc.define('q', 2)`)
	}
	return all, a, b
}

func try(ctx context.Context, s *luatest.State, code string) <-chan string {
	done := make(chan string, 1)
	go func() {
		results, err := s.Try(ctx, code)
		if err != nil {
			done <- "raised: " + strings.SplitN(err.Error(), "\n", 2)[0]
			return
		}
		done <- fmt.Sprint(results...)
	}()
	return done
}

func TestValuesPass(t *testing.T) {
	_, a, b := pair(t)
	a.Must(t, `sent = {x = {1, 'b'}} q:send(sent) sent.x[1] = 9 q:send('second')`)
	if got := b.Must(t, `return q:len() .. tostring(q:is_empty()) .. tostring(q:try_send(1))`); got != "2falsefalse" {
		t.Errorf("got %v; want 2falsefalse: it is full", got)
	}
	want := map[string]any{"x": []any{int64(1), "b"}}
	if got := b.Must(t, `return q:recv()`); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v; want %v, as it was when it was sent", got, want)
	}
	if got := b.Must(t, `return q:try_recv()`); got != "second" {
		t.Errorf("got %v; want second", got)
	}
	if got := b.Must(t, `return q:try_recv()`); got != nil {
		t.Errorf("got %v; want nil", got)
	}
	if got := b.Must(t, `q:send(false) q:send(3) return q:recv_many(10)`); !reflect.DeepEqual(got, []any{false, int64(3)}) {
		t.Errorf("got %v; want both", got)
	}
	a.Raises(t, `q:send(print)`, "kumo.Queue:send: a function is not plain data")
	a.Raises(t, `q:recv_many(0)`, "expected a whole number from 1 to 65536, got 0")
	a.Raises(t, `kumo.mpsc.define('z', 0)`, "kumo.mpsc.define: expected a whole number")
	a.Raises(t, `for i = 1, 2000 do kumo.mpsc.define('n' .. i) end`, "more than 1024 queues")
}

func TestClose(t *testing.T) {
	all, a, b := pair(t)
	a.Must(t, `q:send(1) q:close() q:close()`)
	b.Raises(t, `q:send(2)`, "the queue is closed")
	if got := b.Must(t, `return tostring(q:is_closed()) .. tostring(q:try_send(2)) .. q:recv() .. tostring(q:recv()) .. #q:recv_many(5)`); got != "truefalse1nil0" {
		t.Errorf("got %v; want truefalse1nil0: what is inside can be taken", got)
	}
	a.Must(t, `other = kumo.mpsc.define('other')`)
	all.Close()
	a.Raises(t, `other:send(1)`, "the queue is closed")
}

func TestWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, b := pair(t)
		receiver := try(t.Context(), b, `return q:recv()`)
		synctest.Wait()
		a.Must(t, `q:send('late')`)
		if got := <-receiver; got != "late" {
			t.Errorf("got %s; want late", got)
		}
		a.Must(t, `q:send(1) q:send(2)`)
		sender := try(t.Context(), a, `q:send(3)`)
		synctest.Wait()
		if got := b.Must(t, `return q:recv()`); got != int64(1) {
			t.Errorf("got %v; want 1", got)
		}
		if got := <-sender; got != "" {
			t.Errorf("got %s; want that it was sent", got)
		}
		began := time.Now()
		if got := <-try(t.Context(), a, `q:send_timeout(4, 1.5)`); !strings.Contains(got, "kumo.Queue:send_timeout: the queue is full") {
			t.Errorf("got %s; want that it is full", got)
		}
		if got := time.Since(began); got != 1500*time.Millisecond {
			t.Errorf("got %v; want 1.5s", got)
		}
	})
}

func TestContextEndsWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, _ := pair(t)
		for _, code := range []string{`q:recv()`, `q:recv_many(3)`, `q:send(1) q:send(1) q:send(1)`, `q:send_timeout(1, 100)`} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if got := <-try(ctx, a, code); !strings.Contains(got, "deadline exceeded") {
				t.Errorf("%s: got %s; want the end of the context", code, got)
			}
			cancel()
		}
	})
}

func TestManySendersAndReceivers(t *testing.T) {
	all := New()
	var senders, receivers []<-chan string
	for range 4 {
		s, r := luatest.New(t, all.Module()), luatest.New(t, all.Module())
		senders = append(senders, try(t.Context(), s, `local q = kumo.mpsc.define('q', 3) for i = 1, 200 do q:send(i) end`))
		receivers = append(receivers, try(t.Context(), r, `local q, sum = kumo.mpsc.define('q', 3), 0
			while true do
				local got = q:recv_many(2)
				if #got == 0 then return sum end
				for _, n in ipairs(got) do sum = sum + n end
			end`))
	}
	for _, done := range senders {
		if got := <-done; got != "" {
			t.Error(got)
		}
	}
	all.Close()
	total := 0
	for _, done := range receivers {
		n := 0
		fmt.Sscan(<-done, &n)
		total += n
	}
	if want := 4 * 200 * 201 / 2; total != want {
		t.Errorf("got %d in all; want %d", total, want)
	}
}
