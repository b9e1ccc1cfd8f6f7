package resolve

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// errNoName: the name does not exist.
var errNoName = errors.New("there is no such name")

// exchanger is an MX record: a host that takes mail,
// and its preference, of which a lower one is tried first.
type exchanger struct {
	preference uint16
	host       string // with a dot behind it
}

// resolver answers questions. A name without records of the kind asked for has an
// empty answer; errNoName means that it is not there at all. The methods may be
// called from any goroutine and end with the context.
type resolver interface {
	mx(ctx context.Context, name string) ([]exchanger, error)
	txt(ctx context.Context, name string) ([]string, error)
	// ip has network "ip4" or "ip6".
	ip(ctx context.Context, network, name string) ([]netip.Addr, error)
	ptr(ctx context.Context, addr netip.Addr) ([]string, error)
}

// system is the resolver of the operating system. It cannot tell a name that is
// not there from one without such records: both are errNoName.
type system struct{ net *net.Resolver }

func (s system) mx(ctx context.Context, name string) ([]exchanger, error) {
	records, err := s.net.LookupMX(ctx, absolute(name))
	if len(records) == 0 {
		return nil, systemError(err)
	}
	var all []exchanger
	for _, r := range records {
		all = append(all, exchanger{r.Pref, r.Host})
	}
	return all, nil
}

func (s system) txt(ctx context.Context, name string) ([]string, error) {
	all, err := s.net.LookupTXT(ctx, absolute(name))
	return all, systemError(err)
}

func (s system) ip(ctx context.Context, network, name string) ([]netip.Addr, error) {
	if strings.Contains(strings.TrimSuffix(name, "."), ".") { // names of one label may stand in a hosts file
		name = absolute(name)
	}
	all, err := s.net.LookupNetIP(ctx, network, name)
	for i := range all {
		all[i] = all[i].Unmap()
	}
	return all, systemError(err)
}

func (s system) ptr(ctx context.Context, addr netip.Addr) ([]string, error) {
	all, err := s.net.LookupAddr(ctx, addr.String())
	return all, systemError(err)
}

func systemError(err error) error {
	if failed := (*net.DNSError)(nil); errors.As(err, &failed) && failed.IsNotFound {
		return errNoName
	}
	return err
}

// absolute keeps the search list of the system away.
func absolute(name string) string { return strings.TrimSuffix(name, ".") + "." }

// aggregate asks one resolver after the other until one has an answer.
type aggregate []resolver

func ask[T any](all aggregate, question func(resolver) ([]T, error)) (answer []T, err error) {
	err = errNoName
	for _, r := range all {
		var failed error
		if answer, failed = question(r); len(answer) > 0 {
			return answer, nil
		}
		if !errors.Is(failed, errNoName) {
			err = failed // an empty answer, or a failure, says more than no name
		}
	}
	return nil, err
}

func (a aggregate) mx(ctx context.Context, name string) ([]exchanger, error) {
	return ask(a, func(r resolver) ([]exchanger, error) { return r.mx(ctx, name) })
}

func (a aggregate) txt(ctx context.Context, name string) ([]string, error) {
	return ask(a, func(r resolver) ([]string, error) { return r.txt(ctx, name) })
}

func (a aggregate) ip(ctx context.Context, network, name string) ([]netip.Addr, error) {
	return ask(a, func(r resolver) ([]netip.Addr, error) { return r.ip(ctx, network, name) })
}

func (a aggregate) ptr(ctx context.Context, addr netip.Addr) ([]string, error) {
	return ask(a, func(r resolver) ([]string, error) { return r.ptr(ctx, addr) })
}

// inOrder sorts exchangers as they are to be tried, hosts of one preference by
// name.
func inOrder(all []exchanger) {
	slices.SortFunc(all, func(a, b exchanger) int {
		return cmp.Or(cmp.Compare(a.preference, b.preference), cmp.Compare(a.host, b.host))
	})
}
