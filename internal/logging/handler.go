package logging

import (
	"context"
	"log/slog"
	"slices"
	"time"
)

// targetKey is the attribute that names a target.
const targetKey = "target"

// maxPooled is the largest buffer worth keeping, in bytes: one huge line
// should not stay in memory for good.
const maxPooled = 16 << 10

// handler is one logger's slog.Handler. It is never changed: WithAttrs and
// WithGroup give another.
type handler struct {
	logging *Logging
	target  string
	index   int // target's place in the table

	attrs   []byte   // what With gave, rendered once
	prefix  string   // the names of all groups, each with a dot
	opened  int      // how many groups attrs has opened
	pending []string // groups that have no attribute yet: an empty one isn't printed
}

// Enabled is asked for every line, most of all those that are off: it takes no
// lock and allocates nothing.
func (h *handler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.logging.table.Load().thresholds[h.index]
}

// Handle writes the record. slog ignores the error, which is the writer's.
func (h *handler) Handle(_ context.Context, r slog.Record) error {
	target := h.targetOf(&r)
	if !h.logging.Filter().Enabled(target, r.Level) {
		return nil
	}
	e := event{when: h.when(r.Time), level: r.Level, target: target, message: r.Message, pc: r.PC}
	buffer := h.logging.buffers.Get().(*[]byte)
	line := h.render((*buffer)[:0], e, &r)
	err := h.logging.write(line)
	if cap(line) <= maxPooled {
		*buffer = line
		h.logging.buffers.Put(buffer)
	}
	return err
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	if h.prefix == "" {
		for _, a := range attrs {
			if name, ok := targetIn(a); ok {
				with.target, with.index = name, h.logging.indexOf(name)
			}
		}
	}
	with.attrs = slices.Clone(h.attrs)
	mark := len(with.attrs)
	for _, group := range h.pending {
		with.attrs = h.logging.format.open(with.attrs, group)
	}
	empty := len(with.attrs)
	for _, a := range attrs {
		with.attrs = h.attr(with.attrs, a)
	}
	if len(with.attrs) == empty {
		with.attrs = with.attrs[:mark]
		return &with
	}
	with.opened, with.pending = h.opened+len(h.pending), nil
	return &with
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	with := *h
	with.prefix = h.prefix + name + "."
	with.pending = append(slices.Clone(h.pending), name)
	return &with
}

// render appends the whole record to b.
func (h *handler) render(b []byte, e event, r *slog.Record) []byte {
	f := h.logging.format
	b = append(f.head(b, e), h.attrs...)
	mark, opened := len(b), h.opened
	for _, group := range h.pending {
		b = f.open(b, group)
	}
	empty := len(b)
	r.Attrs(func(a slog.Attr) bool {
		b = h.attr(b, a)
		return true
	})
	if len(b) == empty {
		b = b[:mark]
	} else {
		opened += len(h.pending)
	}
	for range opened {
		b = f.close(b)
	}
	return f.tail(b, e)
}

// attr appends a, unless it is the one that names the target.
func (h *handler) attr(b []byte, a slog.Attr) []byte {
	if h.prefix == "" {
		if _, ok := targetIn(a); ok {
			return b
		}
	}
	return h.logging.format.attr(b, h.prefix, a)
}

// targetOf is the record's own target, else the logger's.
func (h *handler) targetOf(r *slog.Record) string {
	target := h.target
	if h.prefix == "" {
		r.Attrs(func(a slog.Attr) bool {
			if name, ok := targetIn(a); ok {
				target = name
			}
			return true
		})
	}
	return target
}

// when is the time to print; zero prints none, as slog.Handler asks.
func (h *handler) when(recorded time.Time) time.Time {
	if h.logging.clock == nil || recorded.IsZero() {
		return recorded
	}
	return h.logging.clock()
}

func targetIn(a slog.Attr) (name string, ok bool) {
	if a.Key != targetKey {
		return "", false
	}
	v := a.Value.Resolve()
	if v.Kind() != slog.KindString {
		return "", false
	}
	return v.String(), true
}
