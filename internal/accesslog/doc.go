// Package accesslog writes the access log: one line for each session that has
// ended, a JSON object with the same keys in the same order, null where there is
// nothing to say. The line is described at Session.
//
// No session waits for a disk. A line goes into a buffer of so many lines, which
// one goroutine writes at least once a second; every write has whole lines, so
// that whoever follows the file never reads half of one. What cannot be written
// stays in the buffer and is tried again each second; lines that find the buffer
// full are lost, counted, and said in the daemon's log.
//
// During a hand-over two processes append to one file. Each has it to itself for as long
// as it writes (flock(2)), so that half a line, as of a full disk, is taken off again
// before the other one appends. Of what is no file, such as a pipe, every write is small
// enough to be one piece (pipe(7)), unless a single line is not.
//
// The file is only ever appended to. To rotate it, rename it and Reopen the log:
// lines go to the old file until the new one is open. The package deletes and
// compresses nothing, decides nothing and is told no secret: the sessions come
// from actors/, the Config from the policy.
package accesslog
