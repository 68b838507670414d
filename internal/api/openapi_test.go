package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

// operationOf finds what the document says of a request.
func (s *server) operationOf(r *http.Request) *huma.Operation {
	_, pattern := s.mux.Handler(r)
	method, path, _ := strings.Cut(pattern, " ")
	item := s.spec.api.Paths[path]
	if item == nil {
		return nil
	}
	switch method {
	case http.MethodGet:
		return item.Get
	case http.MethodPost:
		return item.Post
	case http.MethodPut:
		return item.Put
	case http.MethodPatch:
		return item.Patch
	case http.MethodDelete:
		return item.Delete
	}
	return nil
}

// compare holds an answer to the document: its status is named, and its body is
// of the schema. Every test of this package passes through here.
func (w *world) compare(req *http.Request, a *answer) {
	w.t.Helper()
	op := w.inner.operationOf(req)
	kind, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	if op == nil || a.Status == http.StatusNotModified || a.Status == http.StatusMethodNotAllowed {
		return
	}
	response, ok := op.Responses[strconv.Itoa(a.Status)]
	if !ok && a.Status >= 400 {
		response = op.Responses["default"]
	}
	if response == nil {
		w.t.Errorf("%s: the document does not name status %d", a.what, a.Status)
		return
	}
	if response.Content == nil {
		if len(a.Body) != 0 {
			w.t.Errorf("%s: got a body of %d bytes, the document has none", a.what, len(a.Body))
		}
		return
	}
	content := response.Content[kind]
	if _, binary := response.Content["application/octet-stream"]; binary {
		return
	}
	if content == nil {
		w.t.Errorf("%s: got content type %q, the document does not name it for %d", a.what, kind, a.Status)
		return
	}
	var body any
	if err := json.Unmarshal(a.Body, &body); err != nil {
		w.t.Errorf("%s: %v", a.what, err)
		return
	}
	for _, problem := range w.inner.spec.violations(content.Schema, body) {
		w.t.Errorf("%s: the answer is not of its schema: %s\n%s", a.what, problem, a.Body)
	}
}

func (d *document) violations(schema *huma.Schema, body any) []string {
	path, result := huma.NewPathBuffer([]byte{}, 0), &huma.ValidateResult{}
	huma.Validate(d.registry, schema, path, huma.ModeReadFromServer, body, result)
	out := make([]string, len(result.Errors))
	for i, err := range result.Errors {
		out[i] = err.Error()
	}
	return out
}

func TestDocumentIsServedAndWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	got := w.do("GET", "/api/v1/openapi.json", "", nil).want(t, 200)
	var doc struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]struct {
			OperationID string            `json:"operationId"`
			Responses   map[string]any    `json:"responses"`
			Parameters  []json.RawMessage `json:"parameters"`
			Security    []any             `json:"security"`
		} `json:"paths"`
		Components struct {
			Schemas map[string]any `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(got.Body, &doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Errorf("got version %s, want 3.1", doc.OpenAPI)
	}
	for _, op := range w.inner.routes {
		in, ok := doc.Paths[op.path][strings.ToLower(op.method)]
		if !ok || in.OperationID != op.id {
			t.Errorf("%s %s is not in the document", op.method, op.path)
			continue
		}
		if in.Responses["default"] == nil || len(in.Responses) < 2 {
			t.Errorf("%s: got responses %v, want success and a refusal", op.id, in.Responses)
		}
		if (len(in.Security) > 0) != (op.access == loggedIn) {
			t.Errorf("%s: got security %v, want it to say whether a session is needed", op.id, in.Security)
		}
		if n := strings.Count(op.path, "{"); len(in.Parameters) < n {
			t.Errorf("%s: got %d parameters, want the %d of the path at least", op.id, len(in.Parameters), n)
		}
	}
	refs := strings.Split(string(got.Body), `"$ref":"`+schemaPrefix)
	for _, ref := range refs[1:] {
		name, _, _ := strings.Cut(ref, `"`)
		if doc.Components.Schemas[name] == nil {
			t.Errorf("schema %s is named and not there", name)
		}
	}
	for _, name := range []string{"Entry", "Message", "Conversation", "Problem", "Me"} {
		if doc.Components.Schemas[name] == nil {
			t.Errorf("schema %s is missing", name)
		}
	}
	if tag := got.Header.Get("ETag"); w.do("GET", "/api/v1/openapi.json", "", nil, "If-None-Match", tag).Status != http.StatusNotModified {
		t.Error("got the document again, want 304 for its ETag")
	}
}

// TestContractRoutes holds the routes to the table of the public contract.
func TestContractRoutes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	var have []string
	for _, op := range w.inner.routes {
		have = append(have, op.method+" "+strings.TrimPrefix(op.path, "/api/v1"))
	}
	for _, want := range []string{
		"POST /auth/signup", "POST /auth/login", "POST /auth/logout", "GET /me", "PATCH /me", "GET /sessions", "DELETE /sessions/{id}",
		"GET /users", "GET /users/{id}", "GET /conversations", "POST /conversations", "GET /conversations/{id}", "PATCH /conversations/{id}",
		"GET /conversations/{id}/members", "POST /conversations/{id}/members", "PATCH /conversations/{id}/members/{user_id}",
		"DELETE /conversations/{id}/members/{user_id}", "GET /conversations/{id}/messages", "GET /conversations/{id}/entries",
		"POST /conversations/{id}/messages", "PATCH /conversations/{id}/messages/{seq}", "DELETE /conversations/{id}/messages/{seq}",
		"PUT /conversations/{id}/messages/{seq}/reactions/{emoji}", "DELETE /conversations/{id}/messages/{seq}/reactions/{emoji}",
		"GET /conversations/{id}/messages/{seq}/receipts", "POST /conversations/{id}/read", "POST /files", "GET /files/{id}", "GET /sync",
	} {
		if !slices.Contains(have, want) {
			t.Errorf("%s is in the contract and not served", want)
		}
	}
}

func TestSchemasFindWhatIsWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	message := w.inner.spec.registry.Map()["Message"]
	for name, body := range map[string]string{
		"unknown field": `{"x":1}`, "missing fields": `{}`, "wrong type": `{"seq":"1"}`, "null list": `{"attachments":null}`,
	} {
		var v any
		if err := json.Unmarshal([]byte(body), &v); err != nil {
			t.Fatal(err)
		}
		if len(w.inner.spec.violations(message, v)) == 0 {
			t.Errorf("%s: got no violation, want one", name)
		}
	}
}
