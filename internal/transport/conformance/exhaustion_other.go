//go:build !linux

package conformance

import "testing"

// exhaustionCases: the numbers of descriptors are not ours to limit here.
func exhaustionCases() []testCase { return nil }

// openDescriptors can't be counted here.
func openDescriptors(*testing.T) int { return 0 }
