package web

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// order is how a list of what has an address is sorted: by a figure, and by the
// address among those that have the same.
type order[T any] struct {
	address func(*T) netip.Addr
	by      func(*T) int64 // nil: by the address
	sign    int64
	after   *mark // nil: from the first on
}

// mark is a place in that order.
type mark struct {
	key     int64
	address netip.Addr
}

func (m mark) compare(o mark) int {
	return cmp.Or(cmp.Compare(m.key, o.key), m.address.Compare(o.address))
}

// read reads the parameters sort, which is usual if it is not given and of which by
// gives the figure (nil, true: the address), after and limit. expected is what sort may
// be.
func (o *order[T]) read(query map[string]string, usual, expected string, by func(name string) (figure func(*T) int64, known bool)) (limit int, err error) {
	if err := o.parse(cmp.Or(query["sort"], usual), query["after"], expected, by); err != nil {
		return 0, err
	}
	return parseLimit(query["limit"], 1)
}

func (o *order[T]) parse(sort, after, expected string, by func(name string) (figure func(*T) int64, known bool)) error {
	o.sign = 1
	name, descending := strings.CutPrefix(sort, "-")
	if descending {
		o.sign = -1
	}
	var known bool
	if o.by, known = by(name); !known {
		return fmt.Errorf("sort: expected %s, with - before it the other way round, got %q", expected, cut(sort))
	}
	if after == "" {
		return nil
	}
	key, address, _ := strings.Cut(after, "_")
	var m mark
	var err, bad error
	m.key, err = strconv.ParseInt(key, 36, 64)
	m.address, bad = netip.ParseAddr(address)
	if err != nil || bad != nil {
		return fmt.Errorf("after: expected what an earlier answer gave as next, got %q", cut(after))
	}
	o.after = &m
	return nil
}

func (o *order[T]) place(one *T) mark {
	if o.by == nil {
		return mark{0, o.address(one)}
	}
	return mark{o.sign * o.by(one), o.address(one)}
}

func (o *order[T]) compare(a, b mark) int {
	if o.by == nil {
		return int(o.sign) * a.compare(b)
	}
	return a.compare(b)
}

// page gives at most limit of those behind the mark, in the order, and the mark of
// those that follow, if there are some.
func (o *order[T]) page(all []T, limit int) (page []T, next string) {
	if o.after != nil {
		all = slices.DeleteFunc(all, func(one T) bool { return o.compare(o.place(&one), *o.after) <= 0 })
	}
	slices.SortFunc(all, func(a, b T) int { return o.compare(o.place(&a), o.place(&b)) })
	if len(all) <= limit {
		return all, ""
	}
	last := o.place(&all[limit-1])
	return all[:limit], strconv.FormatInt(last.key, 36) + "_" + last.address.String()
}
