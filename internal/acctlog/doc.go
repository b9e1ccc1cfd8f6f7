// Package acctlog writes the accounting log: who logged in or failed to, and what
// was decided about requests, in the form of KumoMTA's, so that what reads its
// files reads these.
//
// A line is a JSON object, the lines are compressed by zstd, and a file is a
// segment named by when it began: acct-20060102-150405.000000000, in UTC. While it
// is written it may be read up to a second or so ago; finished, it loses its
// permission to be written. What an earlier process left unfinished is marked so
// when the log begins.
//
// Nobody waits for a disk: records go to one goroutine by a queue, and what has no
// room in it is dropped, counted and said in the daemon's log. The package decides
// nothing, keeps no secret and deletes no file. Its records come from lua/policy.
package acctlog
