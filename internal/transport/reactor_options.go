package transport

// ReactorOptions choose how the reactor uses the system.
type ReactorOptions struct {
	// Loops is the number of event loops, each with a goroutine of its own;
	// 0 is one for each of Go's processors (GOMAXPROCS).
	Loops int
}
