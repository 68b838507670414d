package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/wire"
)

// Problem is the body of every refusal (RFC 9457), with the stable code of the
// public contract.
type Problem struct {
	Type   string    `json:"type" doc:"always about:blank: the code says it all"`
	Title  string    `json:"title"`
	Status int       `json:"status"`
	Detail string    `json:"detail" doc:"one plain sentence"`
	Code   chat.Code `json:"code" enum:"invalid,unauthenticated,forbidden,not_found,conflict,too_large,rate_limited,overloaded,unavailable,internal"`
	Reason string    `json:"reason,omitempty" doc:"narrows the code down"`
	// Fields names what is wrong with each faulty field.
	Fields       map[string]string `json:"fields,omitempty" doc:"what is wrong with each faulty field"`
	RetryAfterMS int64             `json:"retry_after_ms,omitempty" doc:"milliseconds; also in the header Retry-After, in seconds"`
}

// Statuses that differ from what the code alone says.
const (
	reasonMethod     = "method_not_allowed"
	reasonMediaType  = "unsupported_media_type"
	reasonTimeout    = "timeout"
	reasonMisdirect  = "misdirected"
	reasonHeaders    = "headers_too_large"
	reasonRange      = "range_not_satisfiable"
	reasonCrossSite  = "cross_origin"
	reasonBodyTooBig = "body_too_large"
)

// statusOf maps an error to a status. It is the only such map of REST.
func statusOf(e *chat.Error) int {
	switch e.Reason {
	case reasonMethod:
		return http.StatusMethodNotAllowed
	case reasonMediaType:
		return http.StatusUnsupportedMediaType
	case reasonTimeout:
		return http.StatusRequestTimeout
	case reasonMisdirect:
		return http.StatusMisdirectedRequest
	case reasonHeaders:
		return http.StatusRequestHeaderFieldsTooLarge
	case reasonRange:
		return http.StatusRequestedRangeNotSatisfiable
	case wire.ReasonMalformed:
		return http.StatusBadRequest
	}
	switch e.Code {
	case chat.CodeInvalid:
		return http.StatusUnprocessableEntity
	case chat.CodeUnauthenticated:
		return http.StatusUnauthorized
	case chat.CodeForbidden:
		return http.StatusForbidden
	case chat.CodeNotFound:
		return http.StatusNotFound
	case chat.CodeConflict:
		return http.StatusConflict
	case chat.CodeTooLarge:
		return http.StatusRequestEntityTooLarge
	case chat.CodeRateLimited:
		return http.StatusTooManyRequests
	case chat.CodeOverloaded, chat.CodeUnavailable:
		return http.StatusServiceUnavailable
	case chat.CodeInternal:
	}
	return http.StatusInternalServerError
}

func problemOf(e *chat.Error) Problem {
	status := statusOf(e)
	return Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: e.Message, Code: e.Code,
		Reason: e.Reason, Fields: e.Fields, RetryAfterMS: e.RetryAfter.Milliseconds(),
	}
}

// refuse writes an error. Nothing must have been written before.
func (s *server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	e := chat.AsError(err)
	var known *chat.Error
	if !errors.As(err, &known) {
		s.Logger.ErrorContext(r.Context(), "request failed", "path", r.URL.Path, "error", err)
	}
	p := problemOf(e)
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Del("Etag")
	h.Del("Last-Modified")
	if e.RetryAfter > 0 {
		seconds := int64((e.RetryAfter + time.Second - 1) / time.Second)
		h.Set("Retry-After", strconv.FormatInt(seconds, 10))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="parley"`)
	}
	body, merr := json.Marshal(p)
	if merr != nil { // strings and numbers only: cannot happen
		s.Logger.ErrorContext(r.Context(), "write problem", "error", merr)
		p.Status, body = http.StatusInternalServerError, nil
	}
	w.WriteHeader(p.Status)
	if r.Method != http.MethodHead {
		s.send(w, r, append(body, '\n'))
	}
}

// send writes a body. That the client has gone is not worth more than a line for debugging.
func (s *server) send(w http.ResponseWriter, r *http.Request, body []byte) {
	if _, err := w.Write(body); err != nil {
		s.Logger.DebugContext(r.Context(), "write answer", "error", err)
	}
}

func errMediaType(want string) *chat.Error {
	return &chat.Error{Code: chat.CodeInvalid, Reason: reasonMediaType, Message: "The body must be " + want + ", not compressed."}
}

var (
	errBodyTooLarge = &chat.Error{Code: chat.CodeTooLarge, Reason: reasonBodyTooBig, Message: "The request is larger than what is allowed here."}
	errTimeout      = &chat.Error{Code: chat.CodeInvalid, Reason: reasonTimeout, Message: "The request took too long to arrive."}
	errBodyMissing  = &chat.Error{Code: chat.CodeInvalid, Reason: wire.ReasonMalformed, Message: "The request needs a JSON body."}
	errBodyUnwanted = &chat.Error{Code: chat.CodeInvalid, Reason: wire.ReasonMalformed, Message: "This request has no body."}
	errCrossOrigin  = &chat.Error{Code: chat.CodeForbidden, Reason: reasonCrossSite, Message: "Requests from other sites are refused."}
	errMisdirected  = &chat.Error{Code: chat.CodeInvalid, Reason: reasonMisdirect, Message: "This server does not answer for that host."}
	errHeaders      = &chat.Error{Code: chat.CodeTooLarge, Reason: reasonHeaders, Message: "The request has too many headers."}
	errBadPath      = &chat.Error{Code: chat.CodeInvalid, Reason: wire.ReasonMalformed, Message: "The path is not valid."}
	errMethod       = &chat.Error{Code: chat.CodeInvalid, Reason: reasonMethod, Message: "This cannot be done here; see the header Allow."}
	errRange        = &chat.Error{Code: chat.CodeInvalid, Reason: reasonRange, Message: "One range at a time, within the file."}
)
