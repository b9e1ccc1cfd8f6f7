package main

import (
	"bytes"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the tables in testdata instead of comparing them")

// sampleReport has in it all that a table can have.
func sampleReport() *report {
	one := workload{name: "one", metrics: []metric{{"things/s", true}, {"µs per thing", false}}}
	two := workload{name: "two", metrics: []metric{{"KiB a|b", false}}}
	b := newBoard([]workload{one, two})
	b.subjects = []string{"troupe", "fast", "slow", "odd"}
	b.note("odd: a note")
	for _, v := range []float64{30_000, 10_000, 20_000.4} {
		b.add(one, "troupe", outcome{values: []float64{v, 8.125}}, nil)
	}
	b.add(one, "fast", outcome{values: []float64{1_234_567, math.NaN()}}, nil)
	b.add(one, "slow", outcome{values: []float64{99.9, 16.25}, errors: 3, first: errors.New("reset")}, nil)
	b.add(one, "odd", outcome{}, errNotSpoken)
	b.add(two, "troupe", outcome{values: []float64{10}}, nil)
	b.add(two, "fast", outcome{}, errNotStarted)
	b.add(two, "slow", outcome{}, errors.New("it broke"))
	return b.report(machine{Processors: 2, System: "linux/amd64", Kernel: "6.1", Go: "go1.26"}, &options{rounds: 3})
}

func TestTable(t *testing.T) {
	t.Parallel()
	for format, file := range map[string]string{"text": "table.txt", "markdown": "table.md", "json": "table.json"} {
		var got bytes.Buffer
		must(t, sampleReport().write(&got, format))
		path := filepath.Join("testdata", file)
		if *update {
			must(t, os.WriteFile(path, got.Bytes(), 0o644))
		}
		want, err := os.ReadFile(path)
		must(t, err)
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s: got\n%s\nwant\n%s", format, got.Bytes(), want)
		}
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{
		0: "0.00", 0.004: "0.00", 9.994: "9.99", 9.996: "10.0", 99.94: "99.9", 99.96: "100",
		999.6: "1,000", 1234567: "1,234,567", -1500: "-1,500", -2.5: "-2.50", 100000: "100,000",
	} {
		if got := number(v); got != want {
			t.Errorf("%v: got %s; want %s", v, got, want)
		}
	}
}
