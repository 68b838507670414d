package engineio

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/parley-chat/parley/socketio/internal/ws"
)

// Reason says why a connection ended.
type Reason string

// The reasons a connection can end for.
const (
	ReasonTransportClose Reason = "transport_close"   // the client went away
	ReasonTransportError Reason = "transport_error"   // reading or writing failed
	ReasonPingTimeout    Reason = "ping_timeout"      // no pong in time
	ReasonClientClose    Reason = "client_close"      // the client said goodbye
	ReasonServerClose    Reason = "server_close"      // the application closed it
	ReasonShutdown       Reason = "shutdown"          // the server is going down
	ReasonBadPacket      Reason = "bad_packet"        // a breach of the protocol
	ReasonTooBig         Reason = "payload_too_large" // more than MaxPayload
	ReasonRateLimited    Reason = "rate_limited"      // too many control frames
	ReasonSlowConsumer   Reason = "slow_consumer"     // did not read what was sent
	ReasonSlowProducer   Reason = "slow_producer"     // did not finish a message in time
	ReasonOverloaded     Reason = "overloaded"        // a bound of the whole server
)

// A CloseError ends a connection with a WebSocket status code and a short text for
// the peer.
type CloseError struct {
	Reason Reason
	Code   int    // WebSocket status code; 0 picks one by Reason
	Text   string // sent to the peer, at most 123 bytes; empty sends Reason
}

// Error implements error.
func (e *CloseError) Error() string {
	if e.Text == "" {
		return string(e.Reason)
	}
	return string(e.Reason) + ": " + e.Text
}

// closeCode picks the WebSocket status code for a reason.
func closeCode(r Reason) int {
	switch r {
	case ReasonBadPacket:
		return ws.CodeProtocolError
	case ReasonTooBig:
		return ws.CodeTooBig
	case ReasonRateLimited, ReasonSlowConsumer, ReasonSlowProducer, ReasonPingTimeout:
		return ws.CodePolicy
	case ReasonShutdown:
		return ws.CodeRestart
	case ReasonOverloaded:
		return ws.CodeTryLater
	case ReasonTransportError:
		return ws.CodeInternal
	case ReasonClientClose, ReasonServerClose, ReasonTransportClose:
		return ws.CodeNormal
	}
	return ws.CodeNormal
}

// badPacket is the answer to a breach of the protocol.
func badPacket(text string) *CloseError {
	return &CloseError{Reason: ReasonBadPacket, Text: "bad_packet: " + text}
}

// The error codes of the Engine.IO protocol, sent as {"code":…,"message":…}.
const (
	CodeUnknownTransport = 0
	CodeUnknownSession   = 1
	CodeBadMethod        = 2
	CodeBadRequest       = 3
	CodeForbidden        = 4
	CodeBadVersion       = 5
)

// A RequestError refuses an HTTP request. AllowRequest and CheckSession return one
// to choose the status, code and message of the answer.
type RequestError struct {
	Status     int           // HTTP status; 0 is 403
	Code       int           // Engine.IO error code; CodeForbidden unless another fits
	Message    string        // for machines, e.g. "session_mismatch"
	RetryAfter time.Duration // sent as Retry-After, rounded up to seconds, when positive
}

// Error implements error.
func (e *RequestError) Error() string {
	return fmt.Sprintf("engine.io request refused: %d %s", e.Status, e.Message)
}

var (
	errTransport = &RequestError{Status: http.StatusBadRequest, Code: CodeUnknownTransport, Message: "Transport unknown"}
	errSession   = &RequestError{Status: http.StatusBadRequest, Code: CodeUnknownSession, Message: "Session ID unknown"}
	errMethod    = &RequestError{Status: http.StatusBadRequest, Code: CodeBadMethod, Message: "Bad handshake method"}
	errRequest   = &RequestError{Status: http.StatusBadRequest, Code: CodeBadRequest, Message: "Bad request"}
	errVersion   = &RequestError{Status: http.StatusBadRequest, Code: CodeBadVersion, Message: "Unsupported protocol version"}
	errDown      = &RequestError{Status: http.StatusServiceUnavailable, Code: CodeForbidden, Message: "unavailable", RetryAfter: time.Second}
)

// ErrClosed is returned when the connection is already gone.
var ErrClosed = errors.New("engine.io: connection closed")

// ErrDropped is returned for a volatile frame that found others waiting.
var ErrDropped = errors.New("engine.io: volatile frame dropped")

// refuse answers a request with an error in the form of the protocol and returns the status.
func refuse(w http.ResponseWriter, err error) int {
	var re *RequestError
	if !errors.As(err, &re) {
		re = &RequestError{Status: http.StatusForbidden, Code: CodeForbidden, Message: "Forbidden"}
	}
	status := re.Status
	if status == 0 {
		status = http.StatusForbidden
	}
	body, merr := json.Marshal(struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}{re.Code, re.Message})
	if merr != nil {
		status, body = http.StatusInternalServerError, nil
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if re.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((re.RetryAfter+time.Second-1)/time.Second)))
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone; there is nobody left to tell
	return status
}
