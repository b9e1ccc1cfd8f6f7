package watch

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
)

// digest stands for the names and contents of files.
type digest [sha256.Size]byte

// read makes the digest of files as they are now. One that cannot be read counts
// by the kind of its error, so that it is a change when it can be again. The
// error is that of ctx.
func read(ctx context.Context, names []string) (digest, error) {
	sum := sha256.New()
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return digest{}, err
		}
		addText(sum, name)
		content, err := readFile(name)
		if err != nil {
			addText(sum, kindOf(err))
			continue
		}
		addText(sum, string(content[:]))
	}
	return digest(sum.Sum(nil)), nil
}

// addText adds a text such that no two lists of texts have the same sum.
func addText(sum hash.Hash, text string) {
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(text)))
	_, _ = sum.Write(length[:]) // a hash never fails
	_, _ = io.WriteString(sum, text)
}

func readFile(name string) (content digest, err error) {
	// A pipe or a device would hold the watcher up for ever.
	info, err := os.Stat(name)
	if err != nil {
		return digest{}, err
	}
	if !info.Mode().IsRegular() {
		return digest{}, errors.ErrUnsupported
	}
	f, err := os.Open(name)
	if err != nil {
		return digest{}, err
	}
	defer func() { _ = f.Close() }() // it was only read
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return digest{}, err
	}
	return digest(sum.Sum(nil)), nil
}

func kindOf(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "none"
	case errors.Is(err, fs.ErrPermission):
		return "forbidden"
	}
	return "unreadable"
}
