// Package engine is the Lua state that policies run in: gopher-lua's interpreter,
// which is one for Lua 5.1, with the libraries of Lua 5.4 written anew around it.
//
// New makes a state, Call runs a function in it, Close ends it. The text of chunks
// comes in through package dialect, which knows the syntax of 5.4; files that a
// chunk requires come in through Options.Compile. What Lua code prints goes to
// Options.Stdout, errors go to whoever called Call. A state and all that is in it
// belongs to one goroutine at a time. The package knows nothing of policies, hooks
// and pools, and adds no function that Lua 5.4 has not.
//
// # Bounds
//
// A call ends at the deadline of the state's context, and no pcall can catch that.
// The interpreter looks at the context between instructions, the library functions
// that may take long (patterns, sort, concat, move, reading from a child) look
// themselves. Children of os.execute and io.popen are killed with their process
// group. Strings that a function builds are bounded by Options.Memory, active calls
// by Options.CallDepth, Go callbacks that wait for each other by 200.
//
// Not bounded: the operator "..", which doubles a string in one instruction; the
// size of tables, for which gopher-lua fills gaps: t[5e7] = 1 takes 800 MB; reading
// from a named pipe or a device with io.open; the space of keys that were removed
// from a table, which it keeps.
//
// # Protected calls
//
// An error in gopher-lua closes the open upvalues of all calls of its state, so a
// function that goes on after a pcall no longer shares its variables with its
// closures. Here pcall, xpcall and Call run the function in a state of its own,
// which an error takes down alone. Go code that Lua calls uses Call for the same
// reason, not the PCall of the state. A coroutine yields through pcall as in 5.4.
//
// # What is different from Lua 5.4
//
// Because the interpreter cannot be made to do it:
//
//   - All numbers are float64. Whole ones are exact up to 2^53 and print as
//     integers up to 2^63: 10/2 is 5 and not 5.0. math.type says integer for whole
//     numbers up to 2^53, which is math.maxinteger. The operator ".." writes other
//     numbers with up to 17 digits (and +Inf, NaN), tostring with 14.
//   - A coroutine cannot yield in a metamethod, nor in the iterator of a for, where
//     5.4 allows it: the error is "attempt to yield across a C-call boundary".
//   - __eq, __lt and __le are called only if both values have the same one; __gc and
//     __mode do nothing; __call must be a function; the values of a numeric for are
//     not converted from strings; a string with a leading zero is octal when an
//     operator converts it.
//   - An endless recursion of metamethods is a "stack overflow" at the depth of
//     calls, not a "C stack overflow" at 200.
//   - next with a key that the table never had starts again with the second key.
//
// Because a policy runs in a daemon:
//
//   - os.exit is an error, standard input is at its end, there is no debug library,
//     and no libraries in C can be loaded.
//   - math.random has a generator in each state, seeded from the system.
//   - io.lines returns the iterator alone: the file is closed at its end, with the
//     state, or by the collector when nothing uses it any more.
//   - collectgarbage answers and does nothing; count is the heap of the process.
//
// What 5.1 had and 5.4 has not (unpack, loadstring, setfenv, getfenv, module,
// newproxy, table.getn, string.gfind and such) is not there either. The functions
// that 5.4 keeps from 5.2 when built as usual (math.pow, math.ldexp, math.log10 and
// such) are.
package engine
