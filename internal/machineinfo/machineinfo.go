// Package machineinfo tells on what machine the daemon runs, in the form of
// KumoMTA's MachineInfoV1, so that its tools can list a proxy beside other nodes.
//
// It reads files, environment variables and the network interfaces of the host,
// once for each call. It asks nobody: no name is resolved, and the metadata
// address of no cloud is called. It keeps nothing, and what is not known is left
// empty.
package machineinfo

import (
	"bytes"
	"io"
	"io/fs"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Info describes a machine and the daemon on it. The names are KumoMTA's.
type Info struct {
	NodeID           string    `json:"node_id" required:"true" description:"Identifies this node among those of a cluster, as a UUID."`
	Hostname         string    `json:"hostname" required:"true"`
	MACAddress       string    `json:"mac_address" required:"true" description:"Of the first network interface that has one." example:"02:42:AC:11:00:02"`
	NumCores         int       `json:"num_cores" required:"true" minimum:"1" description:"Processors that the daemon may use."`
	KernelVersion    *string   `json:"kernel_version" required:"true"`
	Platform         string    `json:"platform" required:"true" example:"linux/x86_64"`
	Distribution     string    `json:"distribution" required:"true" example:"debian"`
	OSVersion        string    `json:"os_version" required:"true" example:"Debian GNU/Linux 13 (trixie)"`
	TotalMemoryBytes uint64    `json:"total_memory_bytes" required:"true" description:"0 when it is not known."`
	ContainerRuntime *string   `json:"container_runtime" required:"true" description:"Null outside a container."`
	CPUBrand         string    `json:"cpu_brand" required:"true"`
	Fingerprint      string    `json:"fingerprint" required:"true" description:"What tells this machine from others."`
	OnlineSince      time.Time `json:"online_since" required:"true" description:"When the daemon started."`
	ProcessKind      string    `json:"process_kind" required:"true" enum:"proxy-server"`
	Version          string    `json:"version" required:"true"`
}

// ProcessKind is what KumoMTA calls a proxy.
const ProcessKind = "proxy-server"

// Where KumoMTA has the node id.
const (
	nodeIDVariable     = "KUMO_NODE_ID"
	nodeIDPathVariable = "KUMO_NODE_ID_PATH"
	defaultNodeIDPath  = "/opt/kumomta/etc/.nodeid"
)

// Source is where the description is read from.
type Source struct {
	Files   fs.FS // from the root directory on
	Lookup  func(variable string) (value string, set bool)
	Version string    // of the daemon
	Started time.Time // when it did
}

// Host is this machine.
func Host(version string, started time.Time) Source {
	return Source{Files: os.DirFS("/"), Lookup: os.LookupEnv, Version: version, Started: started}
}

// Read describes the machine. It reads files, and may be called from any
// goroutine.
func (s Source) Read() Info {
	info := Info{
		MACAddress: firstMAC(), NumCores: runtime.GOMAXPROCS(0), Platform: runtime.GOOS + "/" + architecture(),
		Distribution: runtime.GOOS, OSVersion: runtime.GOOS,
		OnlineSince: s.Started.UTC(), ProcessKind: ProcessKind, Version: s.Version,
	}
	info.Hostname, _ = os.Hostname() // empty when the system does not know
	s.system(&info)
	machine := s.text("etc/machine-id")
	node, own := s.nodeID()
	if !own {
		node = uuid.NewSHA1(uuid.NameSpaceOID, []byte("troupe "+machine+" "+info.MACAddress)).String()
	}
	info.NodeID = node
	info.Fingerprint = fingerprint(machine, node, own, info.MACAddress)
	return info
}

// fingerprint is made of what is known, in KumoMTA's order. An id that was worked
// out from the machine adds nothing to it.
func fingerprint(machine, node string, own bool, mac string) string {
	var parts []string
	if machine != "" {
		parts = append(parts, "machine_uid="+machine)
	}
	if own {
		parts = append(parts, "node_id="+node)
	}
	if len(parts) == 0 {
		return "mac=" + mac
	}
	return strings.Join(parts, ",")
}

// nodeID is the id that this node was given. What is no UUID is none.
func (s Source) nodeID() (id string, given bool) {
	text, set := s.Lookup(nodeIDVariable)
	if !set {
		path := defaultNodeIDPath
		if other, set := s.Lookup(nodeIDPathVariable); set {
			path = other
		}
		text = s.text(strings.TrimPrefix(path, "/"))
	}
	parsed, err := uuid.Parse(strings.TrimSpace(text))
	return parsed.String(), err == nil
}

// firstMAC is the address of the first interface that has one, as KumoMTA writes it.
func firstMAC() string {
	interfaces, err := net.Interfaces()
	if err == nil {
		for _, one := range interfaces {
			if len(one.HardwareAddr) == 6 && one.Flags&net.FlagLoopback == 0 {
				return strings.ToUpper(one.HardwareAddr.String())
			}
		}
	}
	return "00:00:00:00:00:00"
}

// architecture is the name that the system has for the processor's.
func architecture() string {
	switch runtime.GOARCH {
	case "amd64":
		return "x86_64"
	case "arm64":
		return "aarch64"
	case "386":
		return "i686"
	}
	return runtime.GOARCH
}

// mostRead is more than any of the files needs to tell.
const mostRead = 1 << 20

// read is the beginning of a file; empty when there is none that can be read.
func (s Source) read(name string) []byte {
	f, err := s.Files.Open(name)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(f, mostRead))
	if err != nil {
		return nil
	}
	return text
}

func (s Source) text(name string) string { return string(bytes.TrimSpace(s.read(name))) }

// settings are the lines "key<separator>value" of a file, for some keys. A key
// that stands there several times has each value once, parted by ", ".
func (s Source) settings(name, separator string, keys ...string) map[string]string {
	values := make(map[string][]string)
	for line := range strings.Lines(string(s.read(name))) {
		key, value, found := strings.Cut(line, separator)
		key, value = strings.TrimSpace(key), strings.Trim(strings.TrimSpace(value), `"'`)
		if found && slices.Contains(keys, key) && !slices.Contains(values[key], value) {
			values[key] = append(values[key], value)
		}
	}
	joined := make(map[string]string, len(values))
	for key, all := range values {
		joined[key] = strings.Join(all, ", ")
	}
	return joined
}
