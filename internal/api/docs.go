package api

import (
	"crypto/sha256"
	"embed"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/parley-chat/parley/internal/wire"
)

// docsFiles is the page that shows the OpenAPI document. It needs nothing from
// another host.
//
//go:embed docs
var docsFiles embed.FS

const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func (s *server) routeDocs() error {
	spec, err := s.spec.json()
	if err != nil {
		return err
	}
	s.static("/api/v1/openapi.json", "application/json", spec)
	realtime, err := wire.AsyncAPI()
	if err != nil {
		return err //nolint:wrapcheck // says what it made
	}
	s.static("/api/v1/asyncapi.json", "application/json", realtime)
	for path, file := range map[string]struct{ name, kind string }{
		"/docs":          {"docs/index.html", "text/html; charset=utf-8"},
		"/docs/docs.js":  {"docs/docs.js", "text/javascript; charset=utf-8"},
		"/docs/docs.css": {"docs/docs.css", "text/css; charset=utf-8"},
	} {
		body, err := docsFiles.ReadFile(file.name)
		if err != nil {
			return fmt.Errorf("read documentation page: %w", err)
		}
		s.static(path, file.kind, body)
	}
	return nil
}

// static answers a path with bytes that do not change while the process lives.
func (s *server) static(path, kind string, body []byte) {
	sum := sha256.Sum256(body)
	tag := fmt.Sprintf(`"%x"`, sum[:12])
	s.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
		tripOf(r).quiet = true
		h := w.Header()
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", tag)
		if strings.HasPrefix(kind, "text/html") {
			h.Set("Content-Security-Policy", pagePolicy)
		}
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		h.Set("Content-Type", kind)
		h.Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(http.StatusOK)
		if r.Method != http.MethodHead {
			s.send(w, r, body)
		}
	})
}
