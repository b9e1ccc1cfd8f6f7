//go:build !linux

package machineinfo

// system has nothing to add to what Go knows.
func (Source) system(*Info) {}
