package resolve

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

const maxAliases = 16

var errAliases = errors.New("the aliases of the name have no end")

// source has records: servers that are asked, or zones that a policy holds. A name
// that is not there is errNoName.
type source interface {
	records(ctx context.Context, name string, kind uint16) ([]dns.RR, error)
}

// records makes a resolver of a source.
type records struct{ source source }

// find follows aliases, which a server does already and a zone does not.
func find[T dns.RR](ctx context.Context, r records, name string, kind uint16) ([]T, error) {
	name = dns.CanonicalName(name)
	for range maxAliases {
		answer, err := r.source.records(ctx, name, kind)
		if err != nil {
			return nil, err
		}
		var all []T
		next := ""
		for _, record := range answer {
			switch v := record.(type) {
			case T:
				all = append(all, v)
			case *dns.CNAME:
				if strings.EqualFold(v.Hdr.Name, name) {
					next = dns.CanonicalName(v.Target)
				}
			}
		}
		if len(all) > 0 || next == "" {
			return all, nil
		}
		name = next
	}
	return nil, errAliases
}

func (r records) mx(ctx context.Context, name string) ([]exchanger, error) {
	found, err := find[*dns.MX](ctx, r, name, dns.TypeMX)
	var all []exchanger
	for _, record := range found {
		all = append(all, exchanger{record.Preference, record.Mx})
	}
	return all, err
}

func (r records) txt(ctx context.Context, name string) ([]string, error) {
	found, err := find[*dns.TXT](ctx, r, name, dns.TypeTXT)
	var all []string
	for _, record := range found {
		all = append(all, unescaped(strings.Join(record.Txt, "")))
	}
	return all, err
}

func (r records) ip(ctx context.Context, network, name string) ([]netip.Addr, error) {
	var all []netip.Addr
	if network == "ip4" {
		found, err := find[*dns.A](ctx, r, name, dns.TypeA)
		for _, record := range found {
			if addr, ok := netip.AddrFromSlice(record.A.To4()); ok {
				all = append(all, addr)
			}
		}
		return all, err
	}
	found, err := find[*dns.AAAA](ctx, r, name, dns.TypeAAAA)
	for _, record := range found {
		if addr, ok := netip.AddrFromSlice(record.AAAA); ok {
			all = append(all, addr)
		}
	}
	return all, err
}

func (r records) ptr(ctx context.Context, addr netip.Addr) ([]string, error) {
	found, err := find[*dns.PTR](ctx, r, pointerName(addr), dns.TypePTR)
	var all []string
	for _, record := range found {
		all = append(all, record.Ptr)
	}
	return all, err
}

// unescaped is text as it was on the wire: the library shows bytes as \DDD, and
// puts a backslash before quotes and backslashes.
// https://www.rfc-editor.org/rfc/rfc1035#section-5.1
func unescaped(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		i++
		if i+3 <= len(text) {
			if n, err := strconv.ParseUint(text[i:i+3], 10, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// zones are records that a policy holds.
type zones struct {
	byName map[string][]dns.RR
	broken map[string]struct{} // names whose server fails
}

var errServer = errors.New("the server failed")

func newZones(texts, broken []string) (zones, error) {
	z := zones{byName: map[string][]dns.RR{}, broken: map[string]struct{}{}}
	for i, text := range texts {
		parser := dns.NewZoneParser(strings.NewReader(text), ".", "")
		parser.SetIncludeAllowed(false)
		for record, ok := parser.Next(); ok; record, ok = parser.Next() {
			name := dns.CanonicalName(record.Header().Name)
			z.byName[name] = append(z.byName[name], record)
		}
		if err := parser.Err(); err != nil {
			return z, fmt.Errorf("zones[%d]: %w", i+1, err)
		}
	}
	for _, name := range broken {
		z.broken[dns.CanonicalName(name)] = struct{}{}
	}
	return z, nil
}

func (z zones) records(_ context.Context, name string, kind uint16) ([]dns.RR, error) {
	if _, failing := z.broken[name]; failing {
		return nil, errServer
	}
	all, ok := z.byName[name]
	if !ok {
		return nil, errNoName
	}
	var asked []dns.RR
	for _, record := range all {
		if k := record.Header().Rrtype; k == kind || k == dns.TypeCNAME {
			asked = append(asked, record)
		}
	}
	return asked, nil
}
