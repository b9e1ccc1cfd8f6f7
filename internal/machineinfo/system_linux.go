package machineinfo

import (
	"bytes"
	"cmp"
	"strconv"
	"strings"
)

// system reads what Linux says of itself in proc(5) and os-release(5).
func (s Source) system(info *Info) {
	if kernel := s.text("proc/sys/kernel/osrelease"); kernel != "" {
		info.KernelVersion = &kernel
	}
	release := s.settings("etc/os-release", "=", "ID", "PRETTY_NAME")
	info.Distribution = cmp.Or(release["ID"], info.Distribution)
	info.OSVersion = cmp.Or(release["PRETTY_NAME"], info.OSVersion)
	info.CPUBrand = s.settings("proc/cpuinfo", ":", "model name")["model name"]
	kibibytes, _, _ := strings.Cut(s.settings("proc/meminfo", ":", "MemTotal")["MemTotal"], " ")
	if n, err := strconv.ParseUint(kibibytes, 10, 54); err == nil {
		info.TotalMemoryBytes = n << 10
	}
	info.ContainerRuntime = s.container()
}

// container is what the daemon is contained by, as far as that shows; nil: by
// nothing.
func (s Source) container() *string {
	// What systemd asks of whoever makes a container, systemd's CONTAINER_INTERFACE.
	for variable := range bytes.SplitSeq(s.read("proc/1/environ"), []byte{0}) {
		if name, found := bytes.CutPrefix(variable, []byte("container=")); found && len(name) > 0 {
			text := string(name)
			return &text
		}
	}
	for _, sign := range []struct{ file, runtime string }{
		{"run/.containerenv", "podman"}, {".dockerenv", "docker"}, {"var/run/secrets/kubernetes.io/serviceaccount/namespace", "kubernetes"},
	} {
		f, err := s.Files.Open(sign.file)
		if err != nil {
			continue
		}
		_ = f.Close() // it was not read
		return &sign.runtime
	}
	return nil
}
