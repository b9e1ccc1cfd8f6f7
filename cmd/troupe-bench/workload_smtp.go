package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// messageSize is the length of the message in bytes, the final dot not counted.
const messageSize = 50_000

func smtpWorkload() workload {
	return workload{
		name: "smtp", about: "EHLO, MAIL, RCPT, DATA with a message of 50 kB, QUIT",
		metrics: []metric{
			{"dialogues/s", true},
			{"median ms per dialogue", false},
			{"processor µs per dialogue", false},
			{"resident MiB afterwards", false},
		},
		run: runSMTP,
	}
}

func runSMTP(ctx context.Context, p *subject, s *sizes) (outcome, error) {
	server := &mailSink{}
	k, err := newSink(server.serve)
	if err != nil {
		return outcome{}, err
	}
	defer k.close()
	m := newMailer(s.clients)
	t, b, err := billed(ctx, p, k, load{s.clients, s.dialogues, func(ctx context.Context, client int) error {
		c, err := open(ctx, p, k.addr(), false)
		if err != nil {
			return err
		}
		return c.finish(m.deliver(c, client))
	}})
	if err != nil {
		return outcome{}, err
	}
	median := inMicros(quantile(t.times, 0.5)) / float64(time.Millisecond/time.Microsecond)
	return t.gave(t.rate(), median, b.microsEach(t.done), b.mebibytes()), nil
}

// mailer is the clients' side of the dialogue.
type mailer struct {
	message []byte          // with the final dot
	readers []*bufio.Reader // one for each client
}

func newMailer(clients int) *mailer {
	line := strings.Repeat("mail ", 15) + "now\r\n" // 80 bytes
	m := &mailer{message: []byte(strings.Repeat(line, messageSize/len(line)) + ".\r\n")}
	for range clients {
		m.readers = append(m.readers, bufio.NewReaderSize(nil, 512))
	}
	return m
}

// deliver holds a whole dialogue without pipelining: each command waits for the
// answer to the one before, as with a server that does not offer it.
func (m *mailer) deliver(c io.ReadWriter, client int) error {
	r := m.readers[client]
	r.Reset(c)
	if err := expect(r, "220 "); err != nil {
		return err
	}
	for _, step := range []struct{ say, want string }{
		{"EHLO client.example\r\n", "250 "},
		{"MAIL FROM:<a@client.example>\r\n", "250 "},
		{"RCPT TO:<b@sink.example>\r\n", "250 "},
		{"DATA\r\n", "354 "},
	} {
		if err := say(c, r, []byte(step.say), step.want); err != nil {
			return err
		}
	}
	if err := say(c, r, m.message, queued(messageSize)); err != nil {
		return err
	}
	return say(c, r, []byte("QUIT\r\n"), "221 ")
}

func say(w io.Writer, r *bufio.Reader, what []byte, want string) error {
	if _, err := w.Write(what); err != nil {
		return err
	}
	return expect(r, want)
}

// expect reads an answer, RFC 5321 section 4.2, and compares its last line.
func expect(r *bufio.Reader, want string) error {
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) > 3 && line[3] == '-' {
			continue
		}
		if !strings.HasPrefix(string(line), want) {
			return fmt.Errorf("the server answered %q, not %q", line, want)
		}
		return nil
	}
}
