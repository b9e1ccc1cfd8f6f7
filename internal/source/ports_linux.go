package source

import (
	"os"
	"strconv"
	"strings"
)

// EphemeralPorts is how many ports a source has towards one destination, by the
// sysctl net.ipv4.ip_local_port_range, which is for IPv6 too. Reserved ones are not
// taken off.
func EphemeralPorts() int {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return usualPorts
	}
	return portRange(string(text))
}

func portRange(text string) int {
	first, last, _ := strings.Cut(strings.TrimSpace(text), "\t")
	low, bad := strconv.Atoi(strings.TrimSpace(first))
	high, worse := strconv.Atoi(strings.TrimSpace(last))
	if bad != nil || worse != nil || high < low {
		return usualPorts
	}
	return high - low + 1
}
