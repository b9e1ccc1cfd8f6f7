// Package egress says which addresses of a destination to dial, in which order,
// and what the errors on the way mean.
//
// [Resolve] turns a name into addresses, [Race] orders them as RFC 8305 (Happy
// Eyeballs) has it and keeps count of the attempts, [Classify] turns an error
// into a [Result] out of a closed set, and [Result.Reply] that into the SOCKS
// reply. Names come from the client's request, addresses from the resolver,
// outcomes from the transport; they go to whoever dials, to the client's reply
// and to metrics.
//
// It opens no socket, chooses no source, keeps no cache, and does not say
// whether a destination is allowed: addresses that must not be dialled are the
// caller's to take out before they reach a Race.
package egress
