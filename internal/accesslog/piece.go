package accesslog

import (
	"bytes"
	"io"
)

// pieceMost is how many bytes at most are written to a pipe in one piece, whoever else
// writes to it: PIPE_BUF of Linux, see pipe(7).
const pieceMost = 4096

// inPieces writes whole lines, as many at a time as stay together, and a longer one by
// itself.
func inPieces(w io.Writer, lines []byte) (written int, err error) {
	for len(lines) > 0 {
		n, err := w.Write(lines[:pieceOf(lines)])
		written += n
		if err != nil {
			return written, err
		}
		lines = lines[n:]
	}
	return written, nil
}

// pieceOf is the length of the first piece.
func pieceOf(lines []byte) int {
	if len(lines) <= pieceMost {
		return len(lines)
	}
	if end := bytes.LastIndexByte(lines[:pieceMost], '\n'); end >= 0 {
		return end + 1
	}
	if end := bytes.IndexByte(lines, '\n'); end >= 0 {
		return end + 1
	}
	return len(lines)
}
