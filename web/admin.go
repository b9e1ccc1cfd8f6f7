package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
)

// handleEpochBump has the policy's states and caches made anew. KumoMTA's tools
// call it after they have changed what a policy reads.
func (c Config) handleEpochBump(w http.ResponseWriter, _ *http.Request) {
	c.BumpEpoch()
	w.WriteHeader(http.StatusOK)
}

// logFilterRequest is the body for which a new log filter is set.
type logFilterRequest struct {
	Filter *string `json:"filter" required:"true" nullable:"false" description:"Directives in the grammar of tracing's EnvFilter." example:"info,lua=debug"`
}

// handleLogFilterSet changes what is logged, until the daemon or the policy sets
// another filter. The texts are those of KumoMTA up to the cause.
func (c Config) handleLogFilterSet(w http.ResponseWriter, r *http.Request) {
	if !isJSON(r.Header.Get("Content-Type")) {
		writeText(w, http.StatusUnsupportedMediaType, "Expected request with `Content-Type: application/json`")
		return
	}
	body, ok := readBody(w, r)
	if !ok {
		return
	}
	var request logFilterRequest
	err := json.Unmarshal(body, &request)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		writeText(w, http.StatusBadRequest, "Failed to parse the request body as JSON: "+
			err.Error()+placeIn(body, syntax.Offset))
	case err != nil:
		writeText(w, http.StatusUnprocessableEntity, undecodable+explainType(err, body))
	case request.Filter == nil:
		writeText(w, http.StatusUnprocessableEntity, undecodable+"filter: expected a string, and it is missing or null")
	default:
		if err := c.SetLogFilter(*request.Filter); err != nil {
			writeError(w, http.StatusBadRequest, err.Error())
			return
		}
		w.WriteHeader(http.StatusOK)
	}
}

const undecodable = "Failed to deserialize the JSON body into the target type: "

// explainType says what a member ought to be, in words that are not Go's.
func explainType(err error, body []byte) string {
	var wrong *json.UnmarshalTypeError
	switch {
	case !errors.As(err, &wrong):
		return err.Error()
	case wrong.Field == "":
		return fmt.Sprintf("expected an object such as {\"filter\":\"info\"}, got %s%s", wrong.Value, placeIn(body, wrong.Offset))
	}
	return fmt.Sprintf("%s: expected a string, got %s%s", wrong.Field, wrong.Value, placeIn(body, wrong.Offset))
}

// placeIn says where in a text the byte before offset is.
func placeIn(text []byte, offset int64) string {
	before := string(text[:min(max(offset, 0), int64(len(text)))])
	line := strings.Count(before, "\n") + 1
	column := len(before) - (strings.LastIndexByte(before, '\n') + 1)
	return fmt.Sprintf(" at line %d column %d", line, column)
}

// isJSON reports whether a content type is JSON's, or says that it is made of it,
// RFC 6839 section 3.1.
func isJSON(contentType string) bool {
	typ, _, err := mime.ParseMediaType(contentType)
	return err == nil && (typ == "application/json" || strings.HasSuffix(typ, "+json"))
}
