package main

import (
	"os"
	"syscall"
)

func handled() []os.Signal { return []os.Signal{os.Interrupt, syscall.SIGTERM} }

func reopens(os.Signal) bool { return false }

func upgrades(os.Signal) bool { return false }

func ignoreBrokenPipes() {}

// sessionSlots is a bound on memory: Windows has no limit on handles that a
// daemon would meet.
func sessionSlots() int { return 16 << 10 }
