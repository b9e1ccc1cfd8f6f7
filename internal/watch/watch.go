// Package watch tells when files have changed and are quiet again.
//
// What counts is what is in the files and which there are, not their times: it
// looks every few seconds, so that it needs nothing of the file system, and is
// told by the system where that can be, so that it looks sooner. An editor that
// renames, a link that is pointed elsewhere, a directory that goes and comes back
// are all the same to it.
//
// It does not say what has changed, reads no policy and decides nothing. Which
// files they are it asks each time, and whoever runs it is told of the change.
package watch

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Options of a Watcher. The zero value of all but Changed is right for a daemon.
type Options struct {
	// Changed is called on the goroutine of Run, once for each change, after it.
	Changed func()
	// Poll is how often the files are looked at. Default 10 s.
	Poll time.Duration
	// Quiet is how long they must have been left alone. Default 5 s.
	Quiet time.Duration
	// Log takes what keeps the files from being watched. Nil discards it.
	Log *slog.Logger

	deaf bool // a test's: the system is not asked to tell
}

// Files names the files to watch as they are now, in an order that stays the
// same. It may walk through directories, and ends with ctx.
type Files func(ctx context.Context) ([]string, error)

// Watcher watches files for as long as Run runs.
type Watcher struct {
	options Options

	mu    sync.Mutex
	files Files
	since Mark
	fresh chan struct{} // there are other files
}

// Mark is how files were at a time. The zero value is no time at all.
type Mark struct {
	names []string
	sum   digest
	ok    bool
}

// New returns a Watcher that watches nothing yet.
func New(o Options) *Watcher {
	if o.Poll == 0 {
		o.Poll = 10 * time.Second
	}
	if o.Quiet == 0 {
		o.Quiet = 5 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Watcher{options: o, fresh: make(chan struct{}, 1)}
}

// Mark tells how the files are that are watched. Whoever is going to read them
// takes a mark first, and gives it to Watch afterwards: then what changes
// meanwhile is not missed.
func (w *Watcher) Mark(ctx context.Context) Mark {
	w.mu.Lock()
	files := w.files
	w.mu.Unlock()
	return Look(ctx, files)
}

// Look takes a mark of files that are not watched yet; nil is none.
func Look(ctx context.Context, files Files) Mark {
	if files == nil {
		return Mark{}
	}
	names, err := files(ctx)
	if err != nil {
		return Mark{} // Run meets the same and says so
	}
	sum, err := read(ctx, names)
	return Mark{names: names, sum: sum, ok: err == nil}
}

// IsSet is false for the zero value.
func (m Mark) IsSet() bool { return m.ok }

// Watch watches these files from now on, and tells of what has changed since the
// mark was taken, if they are the same files; nil watches none. It may be called
// from any goroutine, also before Run.
func (w *Watcher) Watch(files Files, since Mark) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.files, w.since = files, since
	select {
	case w.fresh <- struct{}{}:
	default:
	}
}

// Run watches until ctx ends. It waits for disks; a look at the files that hangs
// holds it up.
func (w *Watcher) Run(ctx context.Context) {
	r := &run{Watcher: w, poll: stopped(), quiet: stopped(), notices: notices{refused: w.options.deaf}}
	defer r.notices.close()
	defer r.poll.Stop()
	defer r.quiet.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-w.fresh:
			r.begin(ctx)
		case <-r.poll.C:
			r.polled(ctx)
		case <-r.notices.events():
			r.noticed()
		case <-r.quiet.C:
			r.calm(ctx)
		}
	}
}

func stopped() *time.Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}

// run is what Run knows. It belongs to its goroutine.
type run struct {
	*Watcher
	notices notices
	poll    *time.Timer
	quiet   *time.Timer // runs while a change has to become quiet
	files   Files
	known   digest // of what was told last
	moving  bool   // quiet was begun by a poll that found pending
	pending digest
	failed  bool // the last look did; the log has it
}

// begin watches other files.
func (r *run) begin(ctx context.Context) {
	r.mu.Lock()
	r.files = r.Watcher.files
	since := r.since
	r.mu.Unlock()
	r.quiet.Stop()
	r.moving = false
	if r.files == nil {
		r.poll.Stop()
		r.notices.close()
		return
	}
	r.poll.Reset(r.options.Poll)
	now := r.look(ctx)
	r.known = now.sum
	if since.ok && now.ok && slices.Equal(since.names, now.names) && since.sum != now.sum {
		r.known = since.sum
		r.quiet.Reset(r.options.Quiet)
	}
}

// noticed: something has happened near the files.
func (r *run) noticed() {
	r.moving = false // whoever told of this tells of what follows
	r.quiet.Reset(r.options.Quiet)
}

// polled looks for what nobody has told of.
func (r *run) polled(ctx context.Context) {
	r.poll.Reset(r.options.Poll)
	now := r.look(ctx)
	if now.ok && now.sum != r.known && !r.moving {
		r.moving, r.pending = true, now.sum
		r.quiet.Reset(r.options.Quiet)
	}
}

// calm tells of a change, unless it goes on or was taken back.
func (r *run) calm(ctx context.Context) {
	now := r.look(ctx)
	switch {
	case !now.ok || now.sum == r.known:
		r.moving = false
	case r.moving && now.sum != r.pending:
		r.pending = now.sum
		r.quiet.Reset(r.options.Quiet)
	default:
		r.moving, r.known = false, now.sum
		r.options.Changed()
	}
}

// look reads the files. Not ok: it could not be told which they are.
func (r *run) look(ctx context.Context) Mark {
	names, err := r.files(ctx)
	if err != nil {
		return r.blind(ctx, err)
	}
	// First followed, then read: what changes between is told of.
	if err := r.notices.follow(names); err != nil {
		r.options.Log.Debug("changes are found by looking alone", slog.Any("error", err))
	}
	sum, err := read(ctx, names)
	if err != nil {
		return r.blind(ctx, err)
	}
	r.failed = false
	return Mark{names: names, sum: sum, ok: true}
}

// blind says once that there is nothing to see.
func (r *run) blind(ctx context.Context, err error) Mark {
	if !r.failed && ctx.Err() == nil {
		r.options.Log.Error("the files of the policy cannot be watched", slog.Any("error", err))
	}
	r.failed = true
	return Mark{}
}
