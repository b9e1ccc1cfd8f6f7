package proxyproto

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net/netip"
)

// fixed is what every header of version 2 has: the signature, version and command,
// family and transport, and the length of what follows.
const fixed = len(v2Start) + 4

// family is that byte of a header that names address family and transport.
type family byte

const (
	familyNone family = 0x00
	familyIPv4 family = 0x11 // over TCP
	familyIPv6 family = 0x21 // over TCP
)

// TypeCRC32C is the additional field that holds a checksum of the whole header,
// section 2.2.3.
const TypeCRC32C = 0x03

// parseV2 reads the binary header, section 2.2.
func parseV2(b []byte) (Header, int, error) {
	if len(b) > len(v2Start) { // as soon as it can be told
		if version := b[len(v2Start)] >> 4; version != 2 {
			return Header{}, 0, fmt.Errorf("%w: %d", ErrVersion, version)
		}
	}
	if len(b) < fixed {
		return Header{}, 0, nil
	}
	command := Command(b[len(v2Start)] & 0xf)
	if command > Proxy {
		return Header{}, 0, fmt.Errorf("%w: 0x%x", ErrCommand, uint8(command))
	}
	length := int(binary.BigEndian.Uint16(b[fixed-2:]))
	if length > MaxPayload {
		return Header{}, 0, fmt.Errorf("%w: %d bytes", ErrTooLong, length)
	}
	n := fixed + length
	if len(b) < n {
		return Header{}, 0, nil
	}
	h := Header{Version: 2, Command: command}
	if command == Local {
		return h, n, nil // what follows is to be discarded, its family too
	}
	err := h.readEnds(b[:n])
	return h, n, err
}

// readEnds reads what follows the fixed part of the header that is all of b.
func (h *Header) readEnds(b []byte) error {
	kind, rest := family(b[len(v2Start)+1]), b[fixed:]
	var size int
	switch kind {
	case familyNone:
		return nil // the size of what the addresses are is not known
	case familyIPv4:
		size = 4
	case familyIPv6:
		size = 16
	default:
		return fmt.Errorf("%w: 0x%02x", ErrFamily, byte(kind))
	}
	both := 2*size + 4
	if len(rest) < both {
		return fmt.Errorf("%w: %d bytes where %d are due", ErrAddress, len(rest), both)
	}
	source, _ := netip.AddrFromSlice(rest[:size]) // of a length that it takes
	destination, _ := netip.AddrFromSlice(rest[size : 2*size])
	ports := rest[2*size:]
	h.Source = netip.AddrPortFrom(source, binary.BigEndian.Uint16(ports))
	h.Destination = netip.AddrPortFrom(destination, binary.BigEndian.Uint16(ports[2:]))
	return checkFields(b, fixed+both)
}

// checkFields goes through the additional fields of the header that is all of b,
// from an offset on: type, two bytes of length, value.
func checkFields(b []byte, at int) error {
	summed := false
	for at < len(b) {
		if len(b)-at < 3 {
			return ErrField
		}
		kind, size := b[at], int(binary.BigEndian.Uint16(b[at+1:]))
		at += 3
		if len(b)-at < size {
			return ErrField
		}
		if kind == TypeCRC32C {
			if summed || size != 4 {
				return fmt.Errorf("%w: there is one of 4 bytes", ErrChecksum)
			}
			summed = true
			if binary.BigEndian.Uint32(b[at:]) != checksum(b, at) {
				return ErrChecksum
			}
		}
		at += size
	}
	return nil
}

// checksum is that of a header with zeros in place of the checksum itself.
func checksum(b []byte, at int) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	sum := crc32.Update(0, table, b[:at])
	sum = ^sum
	for range 4 { // a slice of zeros would have to be allocated
		sum = table[byte(sum)] ^ sum>>8
	}
	return crc32.Update(^sum, table, b[at+4:])
}

// Field is an additional field of version 2.
type Field struct {
	Type  byte
	Value []byte // of TypeCRC32C it is worked out, and what is here does not count
}

// AppendV2 appends a header in version 2. It fails with ErrUnencodable.
func AppendV2(b []byte, h Header, fields ...Field) ([]byte, error) {
	kind, err := familyOf(h)
	if err != nil {
		return b, err
	}
	start, sum := len(b), -1
	b = append(append(b, v2Start...), 2<<4|byte(h.Command), byte(kind), 0, 0)
	if kind != familyNone {
		b = append(b, h.Source.Addr().AsSlice()...)
		b = append(b, h.Destination.Addr().AsSlice()...)
		b = binary.BigEndian.AppendUint16(b, h.Source.Port())
		b = binary.BigEndian.AppendUint16(b, h.Destination.Port())
	}
	for _, f := range fields {
		value := f.Value
		if f.Type == TypeCRC32C {
			value, sum = []byte{0, 0, 0, 0}, len(b)+3-start
		}
		b = binary.BigEndian.AppendUint16(append(b, f.Type), uint16(len(value)))
		b = append(b, value...)
	}
	header := b[start:]
	length := len(header) - fixed
	if length > MaxPayload {
		return b[:start], fmt.Errorf("%w: its fields are too long", ErrUnencodable)
	}
	binary.BigEndian.PutUint16(header[fixed-2:], uint16(length))
	if sum >= 0 {
		binary.BigEndian.PutUint32(header[sum:], checksum(header, sum))
	}
	return b, nil
}

// familyOf is the family that a header is encoded in.
func familyOf(h Header) (family, error) {
	source, destination := h.Source.Addr(), h.Destination.Addr()
	switch {
	case h.Command > Proxy:
		return familyNone, fmt.Errorf("%w: %v", ErrUnencodable, h.Command)
	case !source.IsValid() && !destination.IsValid():
		return familyNone, nil
	case h.Command == Local, source.Is4() != destination.Is4(), !source.IsValid(), !destination.IsValid(),
		source.Zone()+destination.Zone() != "":
		return familyNone, fmt.Errorf("%w: %v to %v", ErrUnencodable, h.Source, h.Destination)
	case source.Is4():
		return familyIPv4, nil
	}
	return familyIPv6, nil
}
