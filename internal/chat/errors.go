package chat

import (
	"errors"
	"time"
)

// Code is a stable, machine-readable name of what went wrong: the same in REST
// answers, in acks and in connect errors. The set is closed.
type Code string

// The codes, as the public contract lists them.
const (
	CodeInvalid         Code = "invalid"
	CodeUnauthenticated Code = "unauthenticated"
	CodeForbidden       Code = "forbidden"
	CodeNotFound        Code = "not_found"
	CodeConflict        Code = "conflict"
	CodeTooLarge        Code = "too_large"
	CodeRateLimited     Code = "rate_limited"
	CodeOverloaded      Code = "overloaded"
	CodeUnavailable     Code = "unavailable"
	CodeInternal        Code = "internal"
)

// Error is what a caller is told. Message is one plain sentence without secrets.
// Reason, where set, narrows the code down (for example "last_owner"); Fields
// names each faulty field of the request. It is immutable once made.
type Error struct {
	Code       Code              `json:"code"`
	Message    string            `json:"message"`
	Reason     string            `json:"reason,omitempty"`
	RetryAfter time.Duration     `json:"-"`
	Fields     map[string]string `json:"fields,omitempty"`
}

// Error implements the error interface.
func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

// Is makes errors.Is(err, ErrNotFound) and its like hold by code. A nil *Error,
// which Outcome.Err often is, is no error.
func (e *Error) Is(target error) bool {
	var other *Error
	return e != nil && errors.As(target, &other) && other.Code == e.Code && (other.Reason == "" || other.Reason == e.Reason)
}

// The plain form of each code, to return and to compare with errors.Is.
var (
	ErrInvalid         = &Error{Code: CodeInvalid, Message: "The request is not valid."}
	ErrUnauthenticated = &Error{Code: CodeUnauthenticated, Message: "Please log in."}
	ErrForbidden       = &Error{Code: CodeForbidden, Message: "You may not do this."}
	ErrNotFound        = &Error{Code: CodeNotFound, Message: "There is no such thing, or you may not see it."}
	ErrConflict        = &Error{Code: CodeConflict, Message: "This does not fit the present state."}
	ErrTooLarge        = &Error{Code: CodeTooLarge, Message: "This is too large."}
	ErrRateLimited     = &Error{Code: CodeRateLimited, Message: "Too many requests; try again later.", RetryAfter: time.Second}
	ErrOverloaded      = &Error{Code: CodeOverloaded, Message: "The server is overloaded; try again soon.", RetryAfter: time.Second}
	ErrUnavailable     = &Error{Code: CodeUnavailable, Message: "A part of the system cannot be reached; try again soon.", RetryAfter: 2 * time.Second}
	ErrInternal        = &Error{Code: CodeInternal, Message: "Something went wrong on our side."}
)

// Invalid makes an ErrInvalid that names one faulty field.
func Invalid(field, problem string) *Error {
	return &Error{Code: CodeInvalid, Message: field + ": " + problem, Fields: map[string]string{field: problem}}
}

// AsError finds the Error in err. Anything else becomes ErrInternal: what is not
// meant for a caller is not told to one.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return ErrInternal
}

// ErrFenced is returned by Journal.Commit when the partition's position is not
// where the caller thinks: another owner has moved it, or the same batch was
// applied before. Nothing was written.
var ErrFenced = errors.New("fenced: the partition's position has moved")
