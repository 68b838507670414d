package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/service"
	"github.com/parley-chat/parley/internal/wire"
)

// access says who may call an operation at all.
type access int

const (
	anyone   access = iota // with or without a session
	loggedIn               // with a session; the service decides the rest
)

// operation is one route: what the mux, the OpenAPI document and the tests'
// matrix of permissions are made of.
type operation struct {
	id, method, path, summary string
	access                    access
	tag                       string
	params                    []param
	maxBody                   int64 // bytes; zero: defaultBody
	status                    int   // of success; zero: 200
	also                      int   // another status of success with the same body
	// upload, raw: the handler reads the body, or writes the answer, itself.
	upload, raw bool
	// long: the handler sets its own deadlines.
	long bool
}

// param documents a parameter of the query or the path.
type param struct {
	name, in, doc string
	schema        string // of openapi.go
	required      bool
}

const (
	defaultBody = 64 << 10
	messageBody = 128 << 10
)

// none stands for a missing body.
type none struct{}

// call is one request on its way through an operation.
type call struct {
	context.Context //nolint:containedctx // lives as long as the request
	r               *http.Request
	w               http.ResponseWriter
	s               *server
	who             service.Principal
	// status replaces the operation's status when it is not zero.
	status int
}

// handle registers an operation whose body is read strictly into a B and whose
// answer is an O. A B or O of none stands for no body.
func handle[B, O any](s *server, op operation, f func(c *call, body *B) (O, error)) {
	if op.status == 0 {
		op.status = http.StatusOK
		if reflect.TypeFor[O]() == reflect.TypeFor[none]() && !op.raw {
			op.status = http.StatusNoContent
		}
	}
	if op.maxBody == 0 {
		op.maxBody = defaultBody
	}
	s.routes = append(s.routes, op)
	s.spec.add(&op, reflect.TypeFor[B](), reflect.TypeFor[O]())
	s.mux.HandleFunc(op.method+" "+op.path, func(w http.ResponseWriter, r *http.Request) {
		serve(s, &op, w, r, f)
	})
}

func serve[B, O any](s *server, op *operation, w http.ResponseWriter, r *http.Request, f func(c *call, body *B) (O, error)) {
	w.Header().Set("Cache-Control", "no-store")
	ctx := r.Context()
	if !op.long {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		s.deadline(w, r)
	}
	if r.Body != nil {
		r.Body = &followed{ReadCloser: r.Body}
	}
	c := &call{Context: ctx, r: r, w: w, s: s}
	body, out := new(B), *new(O)
	err := c.authenticate(op)
	if err == nil && !op.upload {
		err = readBody(c, op, body)
	}
	if err == nil {
		out, err = f(c, body)
	}
	if err != nil {
		s.refuseEarly(w, r, err)
		return
	}
	if op.raw {
		return
	}
	status := op.status
	if c.status != 0 {
		status = c.status
	}
	s.answer(w, r, status, out)
}

const (
	// maxDrain bounds what is read and thrown away of a refused request's body, and
	// drainTimeout for how long: a client that is still sending would otherwise see
	// its connection break instead of the answer.
	maxDrain     = 32 << 20
	drainTimeout = 3 * time.Second
)

// refuseEarly refuses a request whose body may not have been read. Small ones
// net/http reads by itself before it answers.
func (s *server) refuseEarly(w http.ResponseWriter, r *http.Request, err error) {
	const small = 256 << 10
	if body, ok := r.Body.(*followed); ok && body.ended || r.ContentLength >= 0 && r.ContentLength <= small {
		s.refuse(w, r, err)
		return
	}
	w.Header().Set("Connection", "close") // what is left of the body must not be taken for a request
	control := http.NewResponseController(w)
	duplex := control.EnableFullDuplex()
	s.refuse(w, r, err)
	if duplex != nil || control.Flush() != nil || control.SetReadDeadline(s.Clock().Add(drainTimeout)) != nil {
		return
	}
	if _, err := io.CopyN(io.Discard, r.Body, maxDrain); err != nil && !errors.Is(err, io.EOF) {
		s.Logger.DebugContext(r.Context(), "throw away the rest of a body", "error", err)
	}
}

// followed knows whether a body was read to its end.
type followed struct {
	io.ReadCloser
	ended bool
}

func (f *followed) Read(p []byte) (int, error) {
	n, err := f.ReadCloser.Read(p)
	f.ended = f.ended || err == io.EOF
	return n, err //nolint:wrapcheck // io.EOF must stay what it is
}

// deadline bounds how long the body may take to arrive.
func (s *server) deadline(w http.ResponseWriter, r *http.Request) {
	if err := http.NewResponseController(w).SetReadDeadline(s.Clock().Add(requestTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		s.Logger.DebugContext(r.Context(), "set deadline", "error", err)
	}
}

func (s *server) answer(w http.ResponseWriter, r *http.Request, status int, out any) {
	if status == http.StatusNoContent {
		w.WriteHeader(status)
		return
	}
	body, err := json.Marshal(out)
	if err != nil {
		s.refuse(w, r, fmt.Errorf("encode answer: %w", err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	s.send(w, r, body)
}

func (c *call) authenticate(op *operation) error {
	if op.access == anyone {
		return nil
	}
	who, err := c.s.Service.Authenticate(c, c.s.Edge.Token(c.r))
	if err != nil {
		return err //nolint:wrapcheck // a *chat.Error
	}
	c.who = who
	tripOf(c.r).user = who.UserID
	return nil
}

// readBody reads a JSON body strictly, or makes sure that there is none.
func readBody[B any](c *call, op *operation, into *B) error {
	r := c.r
	if reflect.TypeFor[B]() == reflect.TypeFor[none]() {
		if r.ContentLength > 0 && r.Method != http.MethodGet && r.Method != http.MethodHead {
			return bodyOf(c, op, func(data []byte) error {
				if data = bytes.TrimSpace(data); len(data) > 0 && string(data) != "{}" {
					return errBodyUnwanted
				}
				return nil
			})
		}
		return nil
	}
	return bodyOf(c, op, func(data []byte) error {
		if len(bytes.TrimSpace(data)) == 0 {
			return errBodyMissing
		}
		return wire.Decode(data, into) //nolint:wrapcheck // a *chat.Error
	})
}

func bodyOf(c *call, op *operation, use func([]byte) error) error {
	r := c.r
	if r.ContentLength > op.maxBody {
		return errBodyTooLarge
	}
	if err := jsonBody(r); err != nil {
		return err
	}
	data, err := io.ReadAll(http.MaxBytesReader(c.w, r.Body, op.maxBody))
	if err != nil {
		return bodyError(err)
	}
	return use(data)
}

func jsonBody(r *http.Request) error {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := strings.ToLower(params["charset"])
	if err != nil || kind != "application/json" || charset != "" && charset != "utf-8" || compressed(r) {
		return errMediaType("application/json in UTF-8")
	}
	return nil
}

func compressed(r *http.Request) bool {
	encoding := r.Header.Get("Content-Encoding")
	return encoding != "" && !strings.EqualFold(encoding, "identity")
}

// bodyError says why a body could not be read.
func bodyError(err error) error {
	var large *http.MaxBytesError
	var network net.Error
	switch {
	case errors.As(err, &large):
		return errBodyTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return errTimeout
	default:
		return &chat.Error{Code: chat.CodeInvalid, Reason: wire.ReasonMalformed, Message: "The request ended early."}
	}
}

// The helpers below read parameters. Whatever is not an id is answered as an id
// that does not exist; a bad number is named.

func pathID[T ~[16]byte](c *call, name string) (T, error) {
	id, err := chat.ParseID[struct{}](c.r.PathValue(name))
	if err != nil {
		return T{}, chat.ErrNotFound
	}
	return T(id), nil
}

func (c *call) conversation() (chat.ConversationID, error) {
	return pathID[chat.ConversationID](c, "id")
}

// message gives the message that the path names.
func (c *call) message() (service.MessageRef, error) {
	id, err := c.conversation()
	if err != nil {
		return service.MessageRef{}, err
	}
	seq, err := strconv.ParseInt(c.r.PathValue("seq"), 10, 64)
	if err != nil || seq < 1 || seq > chat.MaxSeq || strconv.FormatInt(seq, 10) != c.r.PathValue("seq") {
		return service.MessageRef{}, chat.ErrNotFound
	}
	return service.MessageRef{UserID: c.who.UserID, ConversationID: id, Seq: chat.Seq(seq)}, nil
}

// number reads a whole number of the query; 0 when it is absent. What does not
// fit is cut to the largest.
func (c *call) number(name string) (int64, error) {
	text := c.r.URL.Query().Get(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if errors.Is(err, strconv.ErrRange) && n > 0 {
		return chat.MaxSeq, nil
	}
	if err != nil || n < 0 {
		e := chat.Invalid(name, "is not a whole number")
		e.Reason = wire.ReasonMalformed
		return 0, e
	}
	return min(n, chat.MaxSeq), nil
}

func (c *call) limit() (int, error) {
	n, err := c.number("limit")
	return int(min(n, 1<<20)), err
}

// list is a page of anything.
type list[T any] struct {
	Items      []T     `json:"items"`
	NextCursor *string `json:"next_cursor" doc:"give it as cursor for the next part; null at the end"`
}

// listOf shows a page.
func listOf[F, T any](page chat.Page[F], show func(*F) T) list[T] {
	out := list[T]{Items: make([]T, 0, len(page.Items))}
	for i := range page.Items {
		out.Items = append(out.Items, show(&page.Items[i]))
	}
	if page.Next != "" {
		out.NextCursor = &page.Next
	}
	return out
}
