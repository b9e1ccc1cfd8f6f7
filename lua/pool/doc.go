// Package pool lends values that one goroutine at a time may use, Lua states
// above all, to calls that have to be answered in time.
//
// It bounds what a call can cost: how long it waits for a state, how long it
// runs, how much the heap may grow meanwhile, how many calls run at once, and
// how often and how long a state is used again. A call runs on a goroutine of
// its own, under recover. When its time is up its caller is answered and the
// state abandoned: nothing in Go can stop a goroutine, so the state is counted
// until it notices that its context has ended, and too many of them close the
// pool to further calls.
//
// It runs no Lua, knows no policy and exports no metric: states come from
// Options.Build, figures go to a Meter. It logs nothing; errors are typed and go
// to the caller of Do.
package pool
