//go:build race

package main

// raceEnabled says that the tests, and the daemons they start, look for races,
// which makes them ten times slower.
const raceEnabled = true
