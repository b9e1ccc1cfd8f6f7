// Package dialect reads Lua 5.4, which policies are written in, for gopher-lua,
// whose engine and compiler are those of Lua 5.1. A chunk comes in as bytes and
// goes out as a syntax tree or a compiled function. The package does no I/O,
// and supplies none of the functions of the standard library.
//
// What 5.4 has in its syntax and 5.1 has not is put into the tree so that it
// means the same: the operators //, &, |, ~, << and >> with their metamethods,
// <const>, goto and labels, all escapes and numerals, calls on a new line. What
// would mean something else is refused, with the line and what to write instead:
//
//   - Numbers. All numbers of the engine are floats, so integers are exact up to
//     2^53 on either side of zero. A numeral for a larger integer is refused, and
//     an operator on bits whose operand or result is larger raises an error,
//     instead of a wrong value. 1 and 1.0 are the same: x // 0 and x % 0 raise the
//     errors of integers when x is integral, and else give the floats of Lua. -0
//     is 0. A numeric for begins one step before its first value, so one that
//     begins with a fraction may be a rounding error off; with both written out
//     it is refused.
//   - <close>, and the fourth value of a generic for, since a block that an error
//     leaves could not be closed as exactly as Lua does it. The latter is found
//     when the loop begins, unless it comes from a function called pairs or ipairs.
//   - _ENV, since the engine ties globals to functions.
//   - The global arg in a function with ..., where the engine has a local arg.
//
// The engine's compiler has mistakes of its own. Of these the tree steers clear,
// so that what runs is what 5.4 says: among others a swap of two locals, a goto or
// break that leaves variables which functions use, a local function named like an
// outer variable, and tables of more than 50 fields. Each way around stands at
// the code that takes it. Limits that it does not check are checked here: nesting,
// jumps, upvalues, registers and constants of a function.
//
// An error shows a place and a token, never what is in a string.
package dialect
