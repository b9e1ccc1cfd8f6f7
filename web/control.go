package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// controlled answers while there is nothing to control yet.
func (c Config) controlled(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if c.Control == nil {
			writeError(w, http.StatusServiceUnavailable, "the proxy is not up yet")
			return
		}
		next(w, r)
	})
}

// restartRequest is the body of a restart.
type restartRequest struct {
	_    struct{} `additionalProperties:"false"`
	Path string   `json:"path" required:"true" nullable:"false" description:"Of an actor, as the tree has it." example:"supervisor/listener-127.0.0.1:1080/acceptor"`
}

// handleRestart has an actor restarted by its parent.
func (c Config) handleRestart(w http.ResponseWriter, r *http.Request) {
	var request struct{ Path *string }
	if !readObject(w, r, &request) {
		return
	}
	if request.Path == nil {
		writeError(w, http.StatusUnprocessableEntity, "path: expected the path of an actor, and it is missing")
		return
	}
	done, err := c.Control.Restart(r.Context(), *request.Path, peerText(r))
	if err != nil {
		c.writeProblem(w, err)
		return
	}
	writeJSON(w, done)
}

// handleReload has the policy read anew.
func (c Config) handleReload(w http.ResponseWriter, r *http.Request) {
	done, err := c.Control.Reload(r.Context())
	if err != nil {
		c.writeProblem(w, err)
		return
	}
	writeJSON(w, done)
}

// drainRequest is the body of a drain, which may be missing.
type drainRequest struct {
	_        struct{} `additionalProperties:"false"`
	Listener string   `json:"listener,omitempty" minLength:"1" description:"The address of one; without it all are drained." example:"127.0.0.1:1080"`
	Limit    string   `json:"limit,omitempty" minLength:"1" description:"When the sessions that are left are ended, those first that wait for the client: a duration or seconds; without it they never are." example:"5m"`
}

// handleDrain has listeners take no more clients. A listener that is named by an
// empty text was meant to be one, and not all.
func (c Config) handleDrain(w http.ResponseWriter, r *http.Request) {
	request := map[string]string{}
	if r.ContentLength != 0 && !readObject(w, r, &request) {
		return
	}
	limit, err := parseSpan("limit", request["limit"])
	for name, value := range request {
		switch {
		case name != "listener" && name != "limit":
			err = fmt.Errorf("%s: there is no such member", cut(name))
		case value == "":
			err = fmt.Errorf("%s: expected a value, got nothing", name)
		}
	}
	if err != nil {
		writeError(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	done, err := c.Control.Drain(r.Context(), request["listener"], limit, peerText(r))
	if err != nil {
		c.writeProblem(w, err)
		return
	}
	writeJSON(w, done)
}

// undrainQuery are the parameters of the end of a drain.
type undrainQuery struct {
	Listener string `query:"listener" minLength:"1" description:"The address of one; without it all take clients again." example:"127.0.0.1:1080"`
}

// handleUndrain has listeners take clients again.
func (c Config) handleUndrain(w http.ResponseWriter, r *http.Request) {
	query, err := parseOnly(r.URL, "listener")
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	done, err := c.Control.Undrain(r.Context(), query["listener"], peerText(r))
	if err != nil {
		c.writeProblem(w, err)
		return
	}
	writeJSON(w, done)
}

// writeProblem answers what could not be done: what nobody asked wrongly is ours.
func (c Config) writeProblem(w http.ResponseWriter, err error) {
	if refused, ok := errors.AsType[*Refused](err); ok {
		writeError(w, refused.Status, err.Error())
		return
	}
	c.Log.Error("a request could not be carried out: " + err.Error())
	writeError(w, http.StatusInternalServerError, err.Error())
}

// writeJSON answers with a document.
func writeJSON(w http.ResponseWriter, document any) {
	body, err := json.Marshal(document)
	if err != nil {
		writeError(w, http.StatusInternalServerError, err.Error())
		return
	}
	writeWhole(w, http.StatusOK, jsonType, append(body, '\n'))
}

// readObject reads a JSON object, whose members must all be known, or answers why
// it could not.
func readObject(w http.ResponseWriter, r *http.Request, into any) bool {
	if !isJSON(r.Header.Get("Content-Type")) {
		writeError(w, http.StatusUnsupportedMediaType, "expected Content-Type: application/json")
		return false
	}
	body, ok := readBody(w, r)
	if !ok {
		return false
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if err == nil && decoder.Decode(&struct{}{}) != io.EOF {
		err = errors.New("there is more than one document")
	}
	if err == nil {
		err = noNull(body)
	}
	var syntax *json.SyntaxError
	switch {
	case err == nil && bytes.TrimSpace(body)[0] == '{': // null is no object
		return true
	case errors.As(err, &syntax), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		writeError(w, http.StatusBadRequest, "the request body is no JSON: "+err.Error())
	case err == nil:
		writeError(w, http.StatusUnprocessableEntity, "the request body: expected an object")
	default:
		writeError(w, http.StatusUnprocessableEntity, "the request body: "+err.Error())
	}
	return false
}

// noNull refuses members that are null: they were meant to have a value, and would be
// read as if they were not there.
func noNull(body []byte) error {
	members := make(map[string]json.RawMessage)
	if err := json.Unmarshal(body, &members); err != nil {
		return err
	}
	for name, value := range members {
		if string(value) == "null" {
			return fmt.Errorf("%s: expected a value, got null", cut(name))
		}
	}
	return nil
}

// parseOnly is parseQuery for what had better not be done by half: a parameter that
// is not known is an error, and so is one without a value, which may have been
// meant to have one.
func parseOnly(u *url.URL, names ...string) (map[string]string, error) {
	values, err := parseQuery(u, names...)
	if err != nil {
		return nil, err
	}
	for name := range u.Query() {
		value, known := values[name]
		switch {
		case !known:
			return nil, fmt.Errorf("%s: there is no such parameter", cut(name))
		case value == "":
			return nil, fmt.Errorf("%s: expected a value, got nothing", name)
		}
	}
	return values, nil
}

// parseLimit is how much a page holds, from least up.
func parseLimit(text string, least int) (int, error) {
	if text == "" {
		return usualPage, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > mostPage {
		return 0, fmt.Errorf("limit: expected %d to %d, got %q", least, mostPage, cut(text))
	}
	return n, nil
}

// parseSpan reads a duration such as 5m, or a number of seconds; "" is 0.
func parseSpan(name, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		if seconds >= 0 && seconds < math.MaxInt64/float64(time.Second) {
			return time.Duration(seconds * float64(time.Second)), nil
		}
	} else if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return d, nil
	}
	return 0, fmt.Errorf("%s: expected a duration such as 5m, or seconds, got %q", name, cut(text))
}
