//go:build linux

package transport

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// door is where a loop accepts for one call of Serve. All of it belongs to the
// loop's goroutine.
type door struct {
	serving *serving
	loop    *loop
	index   int32
	data    int32 // generation, as events carry it
	open    bool  // the loop hears of waiting clients
}

// install gives the door its number and opens it; it is a job.
func (d *door) install() {
	index, generation := d.loop.adopt(d)
	d.index, d.data = index, int32(generation<<8)
	d.watch()
}

// watch opens the door. It is exclusive so that the kernel need not wake every
// loop for each client, and level-triggered so that none is forgotten.
func (d *door) watch() {
	e := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLEXCLUSIVE, Fd: d.index, Pad: d.data}
	if errno := watchRaw(d.loop.epoll, unix.EPOLL_CTL_ADD, d.serving.listener.fd, &e); errno != 0 {
		d.serving.calls <- call{door: d} // for want of memory: tried again
		return
	}
	d.open = true
}

func (d *door) unwatch() {
	d.open = false
	_ = watchRaw(d.loop.epoll, unix.EPOLL_CTL_DEL, d.serving.listener.fd, &unix.EpollEvent{}) // it is there
}

// shut closes the door and calls Serve's goroutine, which opens it again.
func (d *door) shut(c call) {
	if !d.open {
		return
	}
	d.unwatch()
	c.door = d
	d.serving.calls <- c
}

// remove takes the door out of the loop.
func (d *door) remove() {
	if d.open {
		d.unwatch()
	}
	d.loop.forget(d.index)
}

// reopen takes the client that Serve's goroutine accepted, if it did, and opens
// the door.
func (d *door) reopen(fd int32, client netip.AddrPort) {
	d.watch()
	if fd >= 0 {
		defer d.caught()
		d.admit(fd, client)
	}
}

// ready accepts clients for which there is a slot at once.
func (d *door) ready(uint8, uint32) {
	defer d.caught()
	s := d.serving
	for n := 0; n < acceptBatch && d.open; n++ {
		if s.Enter(s.listener.reactor.over) != nil {
			d.shut(call{})
			return
		}
		fd, client, errno := acceptRaw(s.listener.fd)
		if errno == 0 {
			d.admit(fd, client)
			continue
		}
		s.Leave()
		if errno == unix.EAGAIN {
			return
		}
		if !abandonedErrno(errno) {
			d.shut(call{})
		}
	}
}

// caught makes a panic out of an Acceptance function one of Serve.
func (d *door) caught() {
	if p := recover(); p != nil {
		d.shut(call{panicked: p})
	}
}

// admit hands a client and its slot to the new owner. If that panics before the
// session was started, nobody will ever close it: then the client is sent away.
func (d *door) admit(fd int32, client netip.AddrPort) {
	c := newEpollConn(d.loop, d.serving.listener, fd, client)
	taken := false
	defer func() {
		if !taken && c.abandon() {
			d.serving.Leave()
		}
	}()
	d.serving.Accepted(c)
	taken = true
}
