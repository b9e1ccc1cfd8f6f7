package inherit

import (
	"fmt"
	"strconv"
	"strings"
)

// firstDescriptor is where sd_listen_fds(3) begins to count.
const firstDescriptor = 3

// mostDescriptors is more than anybody passes on.
const mostDescriptors = 1024

// Variables of sd_listen_fds(3).
const (
	pidName   = "LISTEN_PID"
	countName = "LISTEN_FDS"
	namesName = "LISTEN_FDNAMES"
)

// Variables are those that FromEnvironment reads. Who has called it takes them out
// of the environment, lest a process started later believe that they are its own.
func Variables() []string { return []string{pidName, countName, namesName} }

// FromEnvironment has the sockets that a service manager passed to the process
// pid, as sd_listen_fds(3) says; none if the variables are not there, or are
// another process's. It is called once, before descriptors are opened. The error
// names the variable or the descriptor, and wraps ErrKind for one that cannot be
// listened on.
func FromEnvironment(lookup func(string) (string, bool), pid int) (*Sockets, error) {
	count, there := lookup(countName)
	if !there {
		return nil, nil
	}
	if mine, _ := lookup(pidName); mine != strconv.Itoa(pid) {
		return nil, nil
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > mostDescriptors {
		return nil, fmt.Errorf("$%s: expected how many descriptors were passed on, 0 to %d, got %.20q", countName, mostDescriptors, count)
	}
	listed, _ := lookup(namesName)
	names := strings.Split(listed, ":")
	var all []Socket
	for i := range n {
		s, err := Look(firstDescriptor + i)
		if i < len(names) {
			s.Name = names[i]
		}
		if err != nil {
			return nil, fmt.Errorf("$%s: descriptor %d (%s): %w", countName, firstDescriptor+i, s.Name, err)
		}
		s.Lasting = true
		all = append(all, s)
	}
	return New(all), nil
}
