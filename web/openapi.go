package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/swaggest/openapi-go"
	"github.com/swaggest/openapi-go/openapi31"

	"github.com/troupe-proxy/troupe/internal/machineinfo"
)

// The ways to say who one is, as the description names them.
const (
	basicScheme  = "basic_auth"
	bearerScheme = "bearer_auth"
)

// OpenAPI describes the API as OpenAPI 3.1, indented, with a newline at its end.
// It is made of the types that the handlers use.
func OpenAPI(version string) ([]byte, error) {
	r := openapi31.NewReflector()
	about := "A SOCKS5 egress proxy for mail servers. The paths are those of KumoMTA's proxy-server, and some more."
	license, identifier := "Apache License 2.0", "Apache-2.0"
	r.SpecEns().Info = openapi31.Info{
		Title: machineinfo.ProcessKind, Version: version, Description: &about,
		License: &openapi31.License{Name: license, Identifier: &identifier},
	}
	r.SpecEns().SetHTTPBasicSecurity(basicScheme, "A user that the policy knows. A trusted host needs none.")
	r.SpecEns().SetHTTPBearerTokenSecurity(bearerScheme, "", "A token that the policy knows.")
	for _, o := range slices.Concat(operations(), controlOperations(), sourceOperations()) {
		if err := o.describe(r); err != nil {
			return nil, fmt.Errorf("%s %s: %w", o.method, o.path, err)
		}
	}
	text, err := json.MarshalIndent(r.SpecEns(), "", "  ")
	if err != nil {
		return nil, err
	}
	return append(text, '\n'), nil
}

// describe adds an operation to the description.
func (o operation) describe(r *openapi31.Reflector) error {
	context, err := r.NewOperationContext(o.method, o.path)
	if err != nil {
		return err
	}
	context.SetID(o.id)
	context.SetTags(o.tag)
	context.SetSummary(o.summary)
	if o.about != "" {
		context.SetDescription(o.about)
	}
	if o.request != nil {
		context.AddReqStructure(o.request)
	}
	for _, answer := range append(o.answers, o.common()...) {
		answer.describe(context)
	}
	if exposed, ok := context.(openapi31.OperationExposer); ok && o.needs == Trusted {
		// Any of them will do; the empty one is a trusted host's.
		exposed.Operation().Security = []map[string][]string{{}, {basicScheme: {}}, {bearerScheme: {}}}
	}
	if err := r.AddOperation(context); err != nil || !o.needsBody {
		return err
	}
	exposed, ok := context.(openapi31.OperationExposer) // which has the body only now
	if !ok {
		return fmt.Errorf("%s: the description has no way to say that a body is needed", o.id)
	}
	exposed.Operation().RequestBodyEns().RequestBodyEns().WithRequired(true)
	return nil
}

func (a reply) describe(context openapi.OperationContext) {
	about := func(u *openapi.ContentUnit) { u.HTTPStatus, u.Description = a.status, a.about }
	if len(a.types) == 0 {
		context.AddRespStructure(nil, about)
	}
	for _, typ := range a.types {
		context.AddRespStructure(a.body, about, openapi.WithContentType(typ))
	}
}

// newDocument answers with the description, which is made when first asked for.
func newDocument(c Config) http.Handler {
	document := sync.OnceValues(func() ([]byte, error) { return OpenAPI(c.Version) })
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		body, err := document()
		if err != nil {
			c.Log.Error("the API cannot be described: " + err.Error())
			writeError(w, http.StatusInternalServerError, err.Error())
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
		writeWhole(w, http.StatusOK, jsonType, body)
	})
}
