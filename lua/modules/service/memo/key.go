package memo

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"maps"
	"math"
	"slices"
)

// key stands for the arguments of one call, and the epoch if that counts.
type key [sha256.Size]byte

// keyOf digests arguments as value.ToGo makes them. Different arguments have
// different keys: each value goes in with its kind and its length, strings byte
// for byte.
func keyOf(epoch uint64, args []any) key {
	d := digester{sum: sha256.New()}
	d.number('e', epoch)
	d.write(args)
	return key(d.sum.Sum(nil))
}

type digester struct{ sum hash.Hash }

// number never fails: a hash takes everything.
func (d digester) number(kind byte, n uint64) {
	_, _ = d.sum.Write(binary.BigEndian.AppendUint64([]byte{kind}, n))
}

func (d digester) text(kind byte, s string) {
	d.number(kind, uint64(len(s)))
	_, _ = d.sum.Write([]byte(s))
}

func (d digester) write(v any) {
	switch v := v.(type) {
	case nil:
		d.number('n', 0)
	case bool:
		if v {
			d.number('b', 1)
		} else {
			d.number('b', 0)
		}
	case int64:
		d.number('i', uint64(v))
	case float64:
		d.number('f', math.Float64bits(v))
	case string:
		d.text('s', v)
	case []any:
		d.number('l', uint64(len(v)))
		for _, element := range v {
			d.write(element)
		}
	case map[string]any:
		d.number('m', uint64(len(v)))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			d.text('k', name)
			d.write(v[name])
		}
	}
}
