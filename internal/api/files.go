package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/service"
	"github.com/parley-chat/parley/internal/wire"
)

const (
	// formOverhead is what a form may have besides the file.
	formOverhead = 64 << 10
	// progressTimeout ends an upload or a download of which nothing moves.
	progressTimeout = 30 * time.Second
	// transferTimeout ends any upload or download.
	transferTimeout = time.Hour
)

func (s *server) routeFiles() {
	handle(s, operation{
		id: "upload-file", method: http.MethodPost, path: "/api/v1/files", tag: "files", access: loggedIn, status: http.StatusCreated,
		summary: "Upload a file: multipart/form-data with one part called file", upload: true, long: true,
	}, uploadFile)
	handle(s, operation{
		id: "get-file", method: http.MethodGet, path: "/api/v1/files/{id}", tag: "files", access: loggedIn,
		summary: "A file, for its owner and for members who see a message that holds it", raw: true, long: true,
		params: []param{
			idParam("file"),
			{name: "thumb", in: "query", doc: "1: the thumbnail, where the picture has one", schema: "string"},
		},
	}, getFile)
}

func uploadFile(c *call, _ *none) (wire.Attachment, error) {
	ctx, cancel := context.WithTimeout(c, transferTimeout)
	defer cancel()
	body, err := filePart(c, c.s.Limits.AttachmentBytes)
	if err != nil {
		return wire.Attachment{}, err
	}
	file, err := c.s.Service.Upload(ctx, service.UploadRequest{UserID: c.who.UserID, Name: body.part.FileName(), Body: body})
	if err != nil {
		return wire.Attachment{}, err //nolint:wrapcheck // a *chat.Error
	}
	return wire.AttachmentOf(file.Attachment), nil
}

// filePart opens the one file of a form, of at most some bytes.
func filePart(c *call, most int64) (*onePart, error) {
	r := c.r
	if r.ContentLength > most+formOverhead {
		return nil, errBodyTooLarge
	}
	if compressed(r) || !strings.HasPrefix(strings.ToLower(r.Header.Get("Content-Type")), "multipart/form-data") {
		return nil, errMediaType("multipart/form-data")
	}
	form, err := multipartOf(c, most)
	if err != nil {
		return nil, bodyError(err)
	}
	part, err := form.NextPart()
	if err == io.EOF { //nolint:errorlint // wrapped, it means that the form was cut off
		return nil, chat.Invalid("file", "is missing")
	}
	if err != nil {
		return nil, bodyError(err)
	}
	if part.FormName() != "file" {
		return nil, chat.Invalid("file", "must be the only part of the form")
	}
	return &onePart{form: form, part: part}, nil
}

// multipartOf reads the form in bounds, without touching the request's own body.
func multipartOf(c *call, most int64) (*multipart.Reader, error) {
	inner := *c.r
	inner.Body = http.MaxBytesReader(c.w, &progress{ReadCloser: c.r.Body, c: c}, most+formOverhead)
	return inner.MultipartReader() //nolint:wrapcheck // the caller says what it means
}

// onePart reads the file of a form and makes sure that nothing comes after it: a
// body that ends early has no end of the form.
type onePart struct {
	form *multipart.Reader
	part *multipart.Part
	done error // what every further read gives
}

func (o *onePart) Read(p []byte) (int, error) {
	if o.done != nil {
		return 0, o.done
	}
	n, err := o.part.Read(p)
	if err != nil {
		o.done = o.end(err)
	}
	return n, o.done
}

// end looks at what follows the file.
func (o *onePart) end(err error) error {
	if err != io.EOF { // wrapped, it means that the form was cut off
		return bodyError(err)
	}
	_, err = o.form.NextPart()
	switch {
	case err == nil:
		return chat.Invalid("file", "must be the only part of the form")
	case err != io.EOF: // wrapped, it means that the form was cut off
		return bodyError(err)
	}
	return io.EOF
}

// progress moves the deadline of a connection as long as something arrives.
type progress struct {
	io.ReadCloser
	c *call
}

func (p *progress) Read(b []byte) (int, error) {
	err := http.NewResponseController(p.c.w).SetReadDeadline(p.c.s.Clock().Add(progressTimeout))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, fmt.Errorf("set deadline: %w", err)
	}
	return p.ReadCloser.Read(b) //nolint:wrapcheck // io.EOF must stay what it is
}

func getFile(c *call, _ *none) (none, error) {
	ctx, cancel := context.WithTimeout(c, transferTimeout)
	defer cancel()
	id, err := pathID[chat.FileID](c, "id")
	if err != nil {
		return none{}, err
	}
	// A page of another site must not learn whether a file can be seen. A link may be followed.
	if site := c.r.Header.Get("Sec-Fetch-Site"); site == "cross-site" && c.r.Header.Get("Sec-Fetch-Mode") != "navigate" {
		return none{}, chat.ErrNotFound
	}
	file, err := c.s.Service.OpenFile(ctx, c.who.UserID, id, c.r.URL.Query().Get("thumb") == "1")
	if err != nil {
		return none{}, err //nolint:wrapcheck // a *chat.Error
	}
	return none{}, c.sendFile(ctx, file)
}

// sendFile answers with a file. The policy makes it harmless even if it is opened
// as a page of its own.
func (c *call) sendFile(ctx context.Context, file *service.Download) error {
	if strings.Contains(c.r.Header.Get("Range"), ",") {
		c.w.Header().Set("Content-Range", "bytes */"+strconv.FormatInt(file.Size, 10))
		return errRange
	}
	h := c.w.Header()
	kind, disposition := "application/octet-stream", "attachment"
	if file.Inline {
		kind, disposition = file.MIME, "inline"
	}
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", disposition+"; "+dispositionName(file.File.Name))
	h.Set("Content-Security-Policy", "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox")
	// A file never changes. Only this person's browser may keep it.
	h.Set("Cache-Control", "private, max-age=86400, immutable")
	h.Set("Vary", "Cookie, Authorization")
	tag := fmt.Sprintf("%x", file.File.SHA256[:16])
	if file.Thumb {
		tag += "-t"
	}
	h.Set("ETag", `"`+tag+`"`)
	body := &seeker{ctx: ctx, file: file, w: c.w, clock: c.s.Clock}
	defer body.Close()
	// Open the bytes first: what cannot be read must not begin as an answer.
	if err := body.open(); err != nil {
		h.Del("Content-Disposition")
		return err
	}
	http.ServeContent(&rangeGuard{ResponseWriter: c.w, c: c}, c.r, "", file.File.CreatedAt.Std(), body)
	return nil
}

// rangeGuard makes ServeContent's own refusal a problem like every other.
type rangeGuard struct {
	http.ResponseWriter
	c       *call
	refused bool
}

func (g *rangeGuard) WriteHeader(status int) {
	if status == http.StatusRequestedRangeNotSatisfiable {
		g.refused = true
		g.Header().Del("Content-Disposition")
		g.Header().Del("Content-Length")
		g.c.s.refuse(g.ResponseWriter, g.c.r, errRange)
		return
	}
	g.ResponseWriter.WriteHeader(status)
}

func (g *rangeGuard) Write(b []byte) (int, error) {
	if g.refused {
		return len(b), nil
	}
	return g.ResponseWriter.Write(b) //nolint:wrapcheck // a writer's own error
}

// dispositionName gives a file's name for Content-Disposition (RFC 6266): plain
// ASCII for old clients, and the real one.
func dispositionName(name string) string {
	ascii := strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e || r == '"' || r == '\\' || r == '%' {
			return '_'
		}
		return r
	}, name)
	return `filename="` + ascii + `"; filename*=UTF-8''` + strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
}

// seeker reads a stored file from wherever ServeContent wants, as a stream.
type seeker struct {
	ctx   context.Context //nolint:containedctx // lives as long as the request
	file  *service.Download
	w     http.ResponseWriter
	clock func() time.Time
	at    int64
	body  io.ReadCloser
}

func (s *seeker) open() error {
	if s.body != nil {
		return nil
	}
	var err error
	s.body, err = s.file.Range(s.ctx, s.at, -1)
	return err //nolint:wrapcheck // says what it was doing
}

// Seek implements io.Seeker.
func (s *seeker) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += s.at
	case io.SeekEnd:
		offset += s.file.Size
	}
	if offset < 0 {
		return 0, errors.New("seek before the start")
	}
	if offset != s.at && s.body != nil {
		s.Close()
	}
	s.at = offset
	return offset, nil
}

// Read implements io.Reader. A client that takes nothing is cut off.
func (s *seeker) Read(p []byte) (int, error) {
	if s.at >= s.file.Size {
		return 0, io.EOF
	}
	if err := s.open(); err != nil {
		return 0, err
	}
	err := http.NewResponseController(s.w).SetWriteDeadline(s.clock().Add(progressTimeout))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, fmt.Errorf("set deadline: %w", err)
	}
	n, err := s.body.Read(p)
	s.at += int64(n)
	return n, err //nolint:wrapcheck // io.EOF must stay what it is
}

// Close releases what is open; it may be read again.
func (s *seeker) Close() {
	if s.body != nil {
		_ = s.body.Close() // it was read only
		s.body = nil
	}
}
