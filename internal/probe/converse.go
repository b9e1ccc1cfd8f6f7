package probe

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"time"
)

// What is read of a greeting.
const (
	// MostBanner is how much of it is kept, in bytes: a reply line has no more, RFC
	// 5321 section 4.5.3.1.5.
	MostBanner = 512
	// mostGreeting is how long one may be that has several lines, in bytes.
	mostGreeting = 4 << 10
	// quitTime is how long the answer to QUIT is waited for.
	quitTime = 2 * time.Second
)

// converse hears what a server says first and takes leave of it. The error means
// that this is no greeting; there is none that is empty without one.
func converse(ctx context.Context, c net.Conn) (banner string, err error) {
	if deadline, ok := ctx.Deadline(); ok {
		_ = c.SetDeadline(deadline) // can only fail because c is closed
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	lines := bufio.NewReader(io.LimitReader(c, mostGreeting))
	banner, err = readGreeting(lines)
	switch {
	case banner == "":
		return "", err
	case banner[0] < '2' || banner[0] > '5':
		return banner, errNoSMTP
	}
	quit(c)
	return banner, nil
}

// readGreeting reads a reply to its last line: who speaks before that is taken for a
// client that cannot wait, and turned away (RFC 5321 section 4.3.1). What was said
// counts even if its end is missing.
func readGreeting(r *bufio.Reader) (string, error) {
	var all strings.Builder
	var err error
	for err == nil {
		var line string
		line, err = r.ReadString('\n')
		all.WriteString(line)
		if len(line) < 4 || line[3] != '-' {
			break
		}
	}
	text := strings.TrimRight(all.String(), "\r\n")
	text = strings.TrimSpace(text[:min(len(text), MostBanner)])
	if text == "" && (err == nil || errors.Is(err, io.EOF)) {
		err = errSilent
	}
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\r\n", "\n"), "?"), err
}

// quit says QUIT and waits for a moment until that was heard, RFC 5321 section
// 4.1.1.10. What comes of it is the server's business.
func quit(c net.Conn) {
	_ = c.SetDeadline(time.Now().Add(quitTime))
	if _, err := io.WriteString(c, "QUIT\r\n"); err == nil {
		_, _ = bufio.NewReader(io.LimitReader(c, MostBanner)).ReadString('\n')
	}
}

// cause leaves out what the result has already: who was dialled, from where, and the
// URL, which may hold more than everybody should read.
func cause(err error) error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	if outer, ok := errors.AsType[*net.OpError](err); ok && outer.Err != nil {
		err = outer.Err
	}
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return errLate
	}
	return err
}

var errLate = errors.New("there was no answer in time")

// failedAt says whether a system call of this name has failed.
func failedAt(err error, call string) bool {
	failed, ok := errors.AsType[*os.SyscallError](err)
	return ok && failed.Syscall == call
}
