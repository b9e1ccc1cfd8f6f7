package main

import (
	"testing"
	"time"
)

// await waits until holds does, and fails the test when that takes too long.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	timeout := time.After(patience)
	for pause := time.Millisecond; !holds(); pause = min(2*pause, 100*time.Millisecond) {
		select {
		case <-time.After(pause):
		case <-timeout:
			t.Fatalf("%s: waited %s in vain", what, patience)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
