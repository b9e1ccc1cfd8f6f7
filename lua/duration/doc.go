// Package duration reads and writes durations as policies spell them: a number
// of seconds, or text such as "1m 30s", in the grammar of the Rust crate humantime
// that KumoMTA uses.
//
// It sets no bounds beyond those of time.Duration and knows no setting: values
// come from Lua or from a flag and go back to whoever asked. It keeps nothing, so
// any goroutine may call it.
package duration
