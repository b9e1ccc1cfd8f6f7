// Package socks5 is the server's side of RFC 1928 and RFC 1929 as a state
// machine over bytes.
//
// The caller shows it the bytes received so far; it answers with the next whole
// message and how many bytes that took, or that it needs more. Replies are
// appended to a buffer of the caller's. [Server] keeps the position in the
// exchange and nothing else, so a waiting client costs a byte.
//
// It does no I/O, knows no net.Conn, no policy and no time, resolves no names,
// and does not decide which method or address is acceptable.
package socks5
