package web

import (
	"encoding/json"
	"net/http"

	"github.com/troupe-proxy/troupe/internal/machineinfo"
)

const jsonType = "application/json"

// handleMachineInfo tells on what machine the proxy runs, in the shape that
// KumoMTA's tools read.
func (c Config) handleMachineInfo(w http.ResponseWriter, _ *http.Request) {
	info, known := machineinfo.Info{}, false
	if c.Machine != nil {
		info, known = c.Machine()
	}
	if !known {
		writeError(w, http.StatusServiceUnavailable, "machine info not yet available")
		return
	}
	body, err := json.Marshal(info)
	if err != nil {
		writeError(w, http.StatusInternalServerError, "machine info: "+err.Error())
		return
	}
	writeWhole(w, http.StatusOK, jsonType, body)
}
