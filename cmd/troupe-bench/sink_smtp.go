package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"strings"
	"sync"
)

// mailSink is an SMTP server that takes every message and keeps none. It is
// just enough of RFC 5321 for the dialogue of workload_smtp.go.
type mailSink struct {
	readers sync.Pool // of *bufio.Reader, since a dialogue lasts a millisecond
}

// serve holds one dialogue. The answer to a message says its length, by which
// the client knows that all of it came through.
func (m *mailSink) serve(c net.Conn) {
	r, ok := m.readers.Get().(*bufio.Reader)
	if !ok {
		r = bufio.NewReaderSize(nil, 64<<10)
	}
	defer m.readers.Put(r)
	r.Reset(c)
	reply := "220 sink.example ESMTP\r\n"
	for {
		if _, err := c.Write([]byte(reply)); err != nil {
			return
		}
		line, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		switch verb := strings.ToUpper(string(line[:min(4, len(line))])); verb {
		case "EHLO":
			reply = "250-sink.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
		case "DATA":
			if reply, err = takeMessage(c, r); err != nil {
				return
			}
		case "QUIT":
			_, _ = c.Write([]byte("221 bye\r\n"))
			return
		default:
			reply = "250 ok\r\n"
		}
	}
}

// takeMessage reads up to the final dot and gives the answer to it.
func takeMessage(c net.Conn, r *bufio.Reader) (string, error) {
	if _, err := c.Write([]byte("354 go ahead\r\n")); err != nil {
		return "", err
	}
	size := 0
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return "", err
		}
		if bytes.Equal(line, []byte(".\r\n")) {
			return queued(size), nil
		}
		size += len(line)
	}
}

// queued is the answer to a message of size bytes, the final dot not counted.
func queued(size int) string { return fmt.Sprintf("250 queued %d bytes\r\n", size) }
