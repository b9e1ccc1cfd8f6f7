package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// bulkWorkload carries much, over few streams, one way.
func bulkWorkload(streams int, up bool) workload {
	direction := "down"
	if up {
		direction = "up"
	}
	plural := "s"
	if streams == 1 {
		plural = ""
	}
	return workload{
		name:    fmt.Sprintf("bulk-%s-%d", direction, streams),
		family:  "bulk",
		about:   fmt.Sprintf("%d stream%s, %s", streams, plural, direction),
		metrics: []metric{{"GiB/s", true}, {"processor s per GiB", false}},
		run: func(ctx context.Context, p *subject, s *sizes) (outcome, error) {
			return runBulk(ctx, p, int64(s.bulk), streams, up)
		},
	}
}

func runBulk(ctx context.Context, p *subject, total int64, streams int, up bool) (outcome, error) {
	serve, carry := supply, fetch
	if up {
		serve, carry = collect, send
	}
	k, err := newSink(serve)
	if err != nil {
		return outcome{}, err
	}
	defer k.close()
	each := max(1, total/int64(streams))
	t, b, err := billed(ctx, p, k, load{streams, streams, func(ctx context.Context, _ int) error {
		c, err := open(ctx, p, k.addr(), false)
		if err != nil {
			return err
		}
		return errors.Join(carry(c, each), c.Close())
	}})
	if err != nil {
		return outcome{}, err
	}
	gibibytes := float64(each*int64(t.done)) / (1 << 30)
	cost := math.NaN()
	if b.known {
		cost = b.processor.Seconds() / gibibytes
	}
	return t.gave(gibibytes/t.elapsed.Seconds(), cost), nil
}

// fetch asks the server for n bytes and counts them.
func fetch(c *session, n int64) error {
	if _, err := c.Write(binary.BigEndian.AppendUint64(nil, uint64(n))); err != nil {
		return err
	}
	return came(readAway(c, n), n)
}

// send sends n bytes and compares the server's count.
func send(c *session, n int64) error {
	if _, err := c.Write(binary.BigEndian.AppendUint64(nil, uint64(n))); err != nil {
		return err
	}
	if err := writeZeros(c, n); err != nil {
		return err
	}
	got, err := readCount(c)
	if err != nil {
		return fmt.Errorf("the server's count: %w", err)
	}
	return came(got, n)
}

func came(got, want int64) error {
	if got != want {
		return fmt.Errorf("%d bytes of %d came", got, want)
	}
	return nil
}
