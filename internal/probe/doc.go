// Package probe tries sending addresses towards one destination: from each it
// connects, reads the greeting of an SMTP server and says QUIT, looks up the names
// that the address has, and, if asked, has a web server say which address it sees.
//
// It opens sockets of its own and touches none of the proxy's: a probe is in no
// figure and takes no session's place. It knows no policy and no holds, and dials
// whatever it is asked to: whoever asks must be somebody who may send from the host.
// Requests come from the administration (cmd/troupe), and results go back there.
//
// It speaks SMTP in the clear alone: a port that begins with TLS, such as 465, has
// no greeting for it.
package probe
