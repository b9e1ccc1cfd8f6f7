// Package value carries values between Lua and plain Go.
//
// Plain Go means nil, bool, int64, float64, string, []any and map[string]any,
// nested: what encoders, databases and queues take, and what may pass from one
// Lua state to another. Strings are bytes on both sides and cross unchanged; the
// package does not look whether they are UTF-8.
//
// It converts and nothing else: it reads no text format, keeps nothing between
// calls and knows no module. Its data comes from the functions of lua/modules
// and goes back to them. A call belongs to the goroutine of the Lua state that
// the value lives in; what ToGo and Share return belongs to nobody and is not
// changed by anybody.
//
// # Tables
//
// A table with the keys 1..n and no other is a list. An empty table is an empty
// map, because KumoMTA writes it as {}. A table that came out of FromGo as a list
// carries a mark, a metatable, as it does in KumoMTA: it remains a list when it
// is empty, and its gaps are nil. A table with any other keys is a map, whose
// integer keys become decimal text; other keys than strings and integers are
// refused, and so are two keys with the same text.
//
// # Numbers
//
// Lua has float64 alone. An integral number up to 2^53 becomes an int64, so that
// it is written without a point; any other remains float64. An integer that
// float64 cannot hold becomes its decimal text in Lua instead of a neighbour of
// it: identifiers of databases must not change by being read.
package value
