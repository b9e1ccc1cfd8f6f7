// Package policy reads a Lua file and yields a checked Policy, a plain Go value,
// whose Hooks call the handlers that the file registers.
//
// It opens no socket and starts no listener: it says what was asked for and where
// in the file. Its data comes from the policy file and what that requires, and
// goes to whoever builds the tree. Nobody above it sees Lua.
//
// # A load
//
// A load compiles the file and what it requires once, and runs it from top to
// bottom in a Lua state of its own, which registers handlers with kumo.on. Then the
// proxy_init handler is called once; each listener function called in there adds a
// value to the Policy. That state is closed before Load returns. Whatever is wrong
// is reported with its place: see Errors. Any number of loads may run at once.
//
// # Hooks
//
// The handlers for clients run in further states, which are built when they are
// needed: the same compiled text, run from top to bottom, and no proxy_init. A
// state serves one call at a time and is used again, so what a handler keeps in a
// variable may be there at the next call, or not. A call has a deadline, and a
// budget of memory (see lua/pool); a state in which something went wrong is thrown
// away. Handlers that ask other handlers, tasks, and what is told of ended sessions
// have states of their own, so that none of them keeps a client waiting.
//
// A handler that fails is the policy's fault and never the client's: see ErrHook.
// Nobody is let in by a handler that failed.
//
// What the package does not do: serve HTTP's handlers, resolve host names, read
// certificates, or watch the file for changes.
package policy
