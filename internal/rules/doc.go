// Package rules says who may use a listener, with which source, and for which
// destinations, by rules that are written down and need no code to run.
//
// A [Spec] is what a policy asks for; its entries come from [ParseNetwork] and
// [ParseDestination], which own their grammar. [Compile] makes a [Set] of it,
// and the Set answers with a [Verdict]: allowed or not, why, and which entry of
// which key decided. Addresses come from the client's connection, its requests
// and the resolver; verdicts go to whoever accepts, binds and dials, and to the
// log. The machine's own addresses come from a [Host].
//
// # What is decided
//
// A denial wins over everything: deny_destinations first, then the addresses
// that are local to this machine, then allow_destinations. More specific entries
// are no exceptions to wider ones of the other list.
//
// A client that is not on loopback itself cannot reach, through the proxy,
// loopback, link-local, unspecified (all of 0.0.0.0/8), multicast and broadcast
// addresses, an address of this machine, or a cloud's metadata service, unless
// allow_local_destinations opens them. A client on loopback can, as it could
// without a proxy. Behind a forwarder on the same machine all clients are on
// loopback: there such addresses have to be in deny_destinations.
//
// IPv6 addresses in which an IPv4 address is embedded are judged by that address
// as well, for denials: IPv4-mapped, -compatible and -translated ones, NAT64,
// 6to4, Teredo and ISATAP. To allow one, its own form has to be listed, except
// that IPv4-mapped addresses are IPv4 addresses everywhere.
//
// # What is not
//
// The package opens no connection, resolves no name, and does not say whether a
// source is plumbed. It cannot know what others translate: a public address that
// a router forwards to this machine, or a NAT64 prefix of the network's own. Such
// have to be in deny_destinations.
package rules
