package machineinfo

import (
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

const nodeID = "b2e3a1f0-9c1d-4c0a-8f57-0d6e6f1b2c3d"

// machine is a source with these files and variables.
func machine(files, variables map[string]string) Source {
	all := fstest.MapFS{}
	for name, text := range files {
		all[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return Source{
		Files:   all,
		Lookup:  func(name string) (string, bool) { v, set := variables[name]; return v, set },
		Version: "1.2.3",
		Started: time.Date(2026, 8, 5, 12, 0, 0, 0, time.FixedZone("CEST", 2*3600)),
	}
}

func TestRead(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other systems do not say so much")
	}
	got := machine(map[string]string{
		"proc/sys/kernel/osrelease": "6.12.1-amd64\n",
		"etc/os-release":            "NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nID=debian\n",
		"proc/cpuinfo":              "processor: 0\nmodel name\t: Fast: 9000\nprocessor: 1\nmodel name\t: Fast: 9000\nmodel name : Slow\n",
		"proc/meminfo":              "MemTotal:       16303428 kB\nMemFree: 1 kB\n",
		"proc/1/environ":            "PATH=/bin\x00container=lxc\x00",
		"etc/machine-id":            "0123456789abcdef\n",
	}, map[string]string{"KUMO_NODE_ID": nodeID}).Read()
	for _, tt := range []struct{ what, got, want string }{
		{"kernel", *got.KernelVersion, "6.12.1-amd64"},
		{"distribution", got.Distribution, "debian"},
		{"version of the system", got.OSVersion, "Debian GNU/Linux 13 (trixie)"},
		{"processor", got.CPUBrand, "Fast: 9000, Slow"},
		{"container", *got.ContainerRuntime, "lxc"},
		{"node", got.NodeID, nodeID},
		{"fingerprint", got.Fingerprint, "machine_uid=0123456789abcdef,node_id=" + nodeID},
		{"start", got.OnlineSince.Format(time.RFC3339), "2026-08-05T10:00:00Z"},
		{"kind", got.ProcessKind, "proxy-server"},
		{"version", got.Version, "1.2.3"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %q; want %q", tt.what, tt.got, tt.want)
		}
	}
	if got.TotalMemoryBytes != 16303428<<10 {
		t.Errorf("memory: got %d; want %d", got.TotalMemoryBytes, 16303428<<10)
	}
}

// A machine that says nothing is described all the same, and the same each time.
func TestReadOfNothing(t *testing.T) {
	got, again := machine(nil, nil).Read(), machine(nil, nil).Read()
	if got.NodeID != again.NodeID || len(got.NodeID) != 36 {
		t.Errorf("got the node ids %q and %q; want the same UUID", got.NodeID, again.NodeID)
	}
	if want := "mac=" + got.MACAddress; got.Fingerprint != want {
		t.Errorf("got fingerprint %q; want %q", got.Fingerprint, want)
	}
	if got.KernelVersion != nil || got.ContainerRuntime != nil || got.TotalMemoryBytes != 0 {
		t.Errorf("got %v, %v, %d; want nothing that is not known", got.KernelVersion, got.ContainerRuntime, got.TotalMemoryBytes)
	}
	if got.NumCores < 1 || !strings.HasPrefix(got.Platform, runtime.GOOS+"/") {
		t.Errorf("got %d cores, platform %q", got.NumCores, got.Platform)
	}
}

func TestNodeID(t *testing.T) {
	const path, other = "opt/kumomta/etc/.nodeid", "srv/id"
	files := map[string]string{path: nodeID + "\n", other: strings.Replace(nodeID, "b2", "c3", 1)}
	for _, tt := range []struct {
		name      string
		variables map[string]string
		want      string
		given     bool
	}{
		{"the file", nil, nodeID, true},
		{"another file", map[string]string{"KUMO_NODE_ID_PATH": "/" + other}, files[other], true},
		{"no file there", map[string]string{"KUMO_NODE_ID_PATH": "/nowhere"}, "", false},
		{"a path that leads out", map[string]string{"KUMO_NODE_ID_PATH": "/../" + path}, "", false},
		{"the variable", map[string]string{"KUMO_NODE_ID": files[other]}, files[other], true},
		{"no UUID", map[string]string{"KUMO_NODE_ID": "mx1"}, "", false},
	} {
		id, given := machine(files, tt.variables).nodeID()
		if given != tt.given || given && id != tt.want {
			t.Errorf("%s: got %q, %v; want %q, %v", tt.name, id, given, tt.want, tt.given)
		}
	}
}

func TestContainerSigns(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux is asked")
	}
	for file, want := range map[string]string{"run/.containerenv": "podman", ".dockerenv": "docker"} {
		got := machine(map[string]string{file: ""}, nil).Read().ContainerRuntime
		if got == nil || *got != want {
			t.Errorf("%s: got %v; want %s", file, got, want)
		}
	}
}

// The files of this machine can be read, whatever they say.
func TestHost(t *testing.T) {
	if got := Host("1", time.Now()).Read(); got.Platform == "" || got.NodeID == "" || got.Fingerprint == "" {
		t.Errorf("got %+v; want a platform, a node id and a fingerprint", got)
	}
}
