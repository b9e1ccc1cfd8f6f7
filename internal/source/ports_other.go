//go:build !linux

package source

// EphemeralPorts is how many ports a source has towards one destination.
func EphemeralPorts() int { return usualPorts }
