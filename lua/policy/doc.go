// Package policy reads a Lua file and yields a checked Policy, a plain Go value.
//
// It is the only door to gopher-lua. It opens no socket and starts no listener:
// it says what was asked for and where in the file. Its data comes from the
// policy file and what that requires, and goes to whoever builds the tree.
//
// A load runs in the goroutine that called it, in a Lua state of its own which
// is closed before Load returns, so nothing of Lua outlives a load and any
// number of loads may run at once. The file is run from top to bottom, which
// registers handlers with kumo.on, and then the proxy_init handler is called
// once; each listener function called in there adds a value to the Policy.
//
// Whatever is wrong is reported with its place: see Errors. What the package
// does not do: serve the hooks that are called per client or per request,
// resolve host names, read certificates, watch the file for changes, close files
// that a policy opened and left open, or stop a single library function
// (string.find, string.rep, io.read) that does not return: the deadline is looked
// at between Lua instructions only.
package policy
