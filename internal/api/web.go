package api

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/parley-chat/parley/internal/chat"
)

// webFiles is the built web client. It does not change while the process lives.
type webFiles struct {
	files map[string]*webFile
	index *webFile
	// scripts and styles are the hashes of what index.html holds inline.
	scripts, styles string
}

type webFile struct {
	body []byte
	kind string
	tag  string
	// packed holds other encodings of body, the best first.
	packed  []encoding
	gzipped func() []byte // nil where that is not worth it, or is there already
	forever bool          // the name changes with the content
}

type encoding struct {
	name string
	body []byte
}

// The types of a web client's files. The system's own table is not asked: it
// differs from machine to machine.
var webTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
	".css": "text/css; charset=utf-8", ".json": "application/json", ".map": "application/json", ".webmanifest": "application/manifest+json",
	".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp", ".ico": "image/x-icon",
	".woff2": "font/woff2", ".wasm": "application/wasm", ".txt": "text/plain; charset=utf-8", ".mp3": "audio/mpeg", ".ogg": "audio/ogg",
}

// hashed matches a name that a bundler made from the content.
var hashed = regexp.MustCompile(`^assets/.*[-.][A-Za-z0-9_-]{8,}\.[a-z0-9]+$`)

func newWebFiles(from fs.FS) (*webFiles, error) {
	if from == nil {
		return nil, nil //nolint:nilnil // there is no client
	}
	w := &webFiles{files: map[string]*webFile{}}
	err := fs.WalkDir(from, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		body, err := fs.ReadFile(from, name)
		if err != nil {
			return err //nolint:wrapcheck // names the file
		}
		w.files[name] = newWebFile(name, body)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the web client: %w", err)
	}
	for _, pack := range []struct{ suffix, name string }{{".br", "br"}, {".gz", "gzip"}} {
		for name, f := range w.files {
			if packed := w.files[name+pack.suffix]; packed != nil {
				f.packed = append(f.packed, encoding{pack.name, packed.body})
				if pack.name == "gzip" {
					f.gzipped = nil
				}
			}
		}
	}
	if w.index = w.files["index.html"]; w.index == nil {
		return nil, errors.New("read the web client: there is no index.html")
	}
	w.scripts, w.styles = inlineHashes(w.index.body, "script"), inlineHashes(w.index.body, "style")
	return w, nil
}

func newWebFile(name string, body []byte) *webFile {
	sum := sha256.Sum256(body)
	f := &webFile{body: body, kind: webTypes[path.Ext(name)], tag: fmt.Sprintf("%x", sum[:12]), forever: hashed.MatchString(name)}
	if f.kind == "" {
		f.kind = "application/octet-stream"
	}
	if main, _, err := mime.ParseMediaType(f.kind); err == nil && len(body) > 1<<10 &&
		(strings.HasPrefix(main, "text/") || strings.HasSuffix(main, "json") || main == "image/svg+xml" || main == "application/wasm") {
		f.gzipped = sync.OnceValue(func() []byte { return gzipOf(body) })
	}
	return f
}

func gzipOf(body []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(body); err != nil {
		return nil
	}
	if err := z.Close(); err != nil || b.Len() >= len(body) {
		return nil
	}
	return b.Bytes()
}

// inlineHashes gives the hashes of a page's inline scripts or styles, as a
// content security policy names them.
func inlineHashes(page []byte, tag string) string {
	inline := regexp.MustCompile(`(?is)<` + tag + `(\s[^>]*)?>(.*?)</` + tag + `>`)
	var out strings.Builder
	for _, m := range inline.FindAllSubmatch(page, -1) {
		if len(bytes.TrimSpace(m[2])) == 0 {
			continue
		}
		sum := sha256.Sum256(m[2])
		out.WriteString(" 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'")
	}
	return out.String()
}

// policy is the content security policy of the client's page: nothing from
// anywhere else, no script or style that is not in the build.
func (s *server) policy(r *http.Request) string {
	sockets := "ws://"
	if s.Edge.Secure(r) {
		sockets = "wss://"
	}
	// A host from the request stands in a header: only what a host can be.
	host := s.Edge.Host(r)
	if s.Edge.public != nil {
		host = s.Edge.public.Host
	}
	connect := "'self'"
	if hostForm.MatchString(host) {
		connect += " " + sockets + host
	}
	return "default-src 'none'; script-src 'self'" + s.web.scripts + "; style-src 'self'" + s.web.styles +
		"; img-src 'self' blob: data:; media-src 'self' blob:; font-src 'self'; connect-src " + connect +
		"; manifest-src 'self'; worker-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'" +
		"; require-trusted-types-for 'script'; trusted-types parley"
}

var hostForm = regexp.MustCompile(`^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?$`)

// serveWeb answers with a file of the client, or, for an address of one of its
// pages, with the page.
func (s *server) serveWeb(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		s.refuse(w, r, errMethod)
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	f := s.web.files[name]
	switch {
	case name == "" || f == nil && path.Ext(name) == "" && !strings.HasPrefix(name, "assets/"):
		f = s.web.index
	case f == nil:
		s.refuse(w, r, chat.ErrNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "no-cache")
	if f.forever {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if strings.HasPrefix(f.kind, "text/html") || path.Base(name) == "sw.js" {
		h.Set("Content-Security-Policy", s.policy(r))
	}
	body, tag := f.choose(w, r)
	h.Set("ETag", tag)
	if strings.Contains(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		s.send(w, r, body)
	}
}

// choose gives the smallest form that the client takes.
func (f *webFile) choose(w http.ResponseWriter, r *http.Request) (body []byte, tag string) {
	if len(f.packed) == 0 && f.gzipped == nil {
		return f.body, `"` + f.tag + `"`
	}
	w.Header().Set("Vary", "Accept-Encoding")
	accepts := r.Header.Get("Accept-Encoding")
	for _, p := range f.packed {
		if takes(accepts, p.name) {
			w.Header().Set("Content-Encoding", p.name)
			return p.body, `"` + f.tag + "-" + p.name + `"`
		}
	}
	if f.gzipped != nil && takes(accepts, "gzip") {
		if packed := f.gzipped(); packed != nil {
			w.Header().Set("Content-Encoding", "gzip")
			return packed, `"` + f.tag + `-gzip"`
		}
	}
	return f.body, `"` + f.tag + `"`
}

// takes reports whether an Accept-Encoding header names an encoding, not with a weight of zero.
func takes(header, name string) bool {
	for part := range strings.SplitSeq(header, ",") {
		given, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(given), name) {
			weight = strings.ReplaceAll(weight, " ", "")
			return weight != "q=0" && weight != "q=0.0"
		}
	}
	return false
}
