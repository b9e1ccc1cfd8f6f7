package pages

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// problem is why a page cannot be shown, or a thing not be done.
type problem struct {
	status int
	text   string
}

func (p *problem) Error() string { return p.text }

// asProblem takes all other errors for faults of ours.
func asProblem(err error) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	return &problem{http.StatusInternalServerError, err.Error()}
}

// ask asks the API in the name of the client of r, and decodes the answer, if into
// is not nil. Its error is a *problem.
func (p *Pages) ask(r *http.Request, method, path string, query url.Values, body, into any) error {
	asked, err := asking(r, method, path, query, body)
	if err != nil {
		return err
	}
	a := answer{header: make(http.Header), status: http.StatusOK}
	p.source.API.ServeHTTP(&a, asked)
	switch {
	case a.status == http.StatusNotFound && a.body.Len() == 0:
		return &problem{http.StatusNotFound, "this proxy does not offer that"}
	case a.status == http.StatusUnauthorized:
		// Not passed on as such: the client was let in to the page.
		return &problem{http.StatusForbidden, a.reason()}
	case a.status/100 != 2:
		return &problem{a.status, a.reason()}
	case into == nil:
		return nil
	}
	return json.Unmarshal(a.body.Bytes(), into)
}

// asking is the request r would have been, had its client asked the API: it has the
// same headers, for who looks at credentials and origin, and the same connection.
func asking(r *http.Request, method, path string, query url.Values, body any) (*http.Request, error) {
	asked := r.Clone(r.Context())
	target, err := url.Parse(path)
	if err != nil {
		return nil, err
	}
	target.RawQuery = query.Encode()
	asked.Method, asked.URL, asked.RequestURI = method, target, target.RequestURI()
	asked.Form, asked.PostForm, asked.MultipartForm = nil, nil, nil
	asked.Body, asked.ContentLength = http.NoBody, 0
	for _, name := range []string{"Content-Type", "Content-Length", "Content-Encoding", "Accept", "Accept-Encoding", "Range"} {
		asked.Header.Del(name)
	}
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		asked.Body, asked.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
		asked.Header.Set("Content-Type", "application/json")
	}
	return asked, nil
}

// answer is the API's, in memory. It implements http.ResponseWriter.
type answer struct {
	header http.Header
	status int
	begun  bool
	body   bytes.Buffer
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if !a.begun && status >= http.StatusOK {
		a.begun, a.status = true, status
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.begun = true
	return a.body.Write(b)
}

// reason is the text of a refusal, without what says that it is one.
func (a *answer) reason() string {
	text := strings.TrimSpace(strings.TrimPrefix(a.body.String(), "Error: "))
	if text == "" {
		return strings.ToLower(http.StatusText(a.status))
	}
	return text
}
