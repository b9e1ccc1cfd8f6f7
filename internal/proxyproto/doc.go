// Package proxyproto reads the header of the PROXY protocol, versions 1 and 2, by
// which a load balancer or a mail server tells whom a connection is for: HAProxy's
// proxy-protocol.txt, revision of 2020/03/05.
//
// The caller shows [Parse] the bytes received so far; it answers with the header
// and how many bytes that took, or that it needs more. [AppendV1] and [AppendV2]
// are the way back, for whoever speaks to a listener that reads headers.
//
// It does no I/O, knows no net.Conn and no time, trusts nobody and decides nothing:
// whether a header may be believed is the caller's to know, by where it comes from.
// Of the additional fields of version 2 it looks at the checksum alone.
package proxyproto
