//go:build !linux && !darwin

package acctlog

// scarce is not known here.
func scarce(*Config) bool { return false }
