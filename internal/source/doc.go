// Package source keeps what is known of the addresses that we send from: whether
// each is plumbed, whether somebody has paused or drained it, what it has dialled
// and what receivers have said to it.
//
// A [Table] has a [Source] for each address that the policy names, and for a bounded
// number of others that somebody has asked for. It is memory and no actor: sessions
// read it and count in it without waiting, and whoever scrapes reads it without
// stopping anybody. Whether an address is plumbed comes from a [Host], or where that
// does not know, from what binds of it have come to. Pauses and drains are [Hold]s on
// an address or a network; they go to a [Store], which outlives the process.
//
// The package binds and dials nothing, and judges no client: whether a client may
// use a source at all is for the rules (internal/rules).
package source
