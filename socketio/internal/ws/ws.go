// Package ws is the framing of RFC 6455 without any I/O: it builds frames, takes a
// byte stream apart into messages, and checks the opening handshake. It hides
// masking, fragmentation, the limits on lengths and the rules whose breach must
// close a connection. It keeps no buffer for a stream that is between two frames,
// so that a silent connection costs nothing.
package ws

import (
	"crypto/sha1" //nolint:gosec // RFC 6455 section 4.2.2 fixes SHA-1 for the accept key; it protects nothing
	"encoding/base64"
	"encoding/binary"
	"fmt"
)

// Opcode is the four-bit frame type of RFC 6455 section 5.2.
type Opcode byte

// The opcodes of RFC 6455 section 11.8.
const (
	OpContinuation Opcode = 0x0
	OpText         Opcode = 0x1
	OpBinary       Opcode = 0x2
	OpClose        Opcode = 0x8
	OpPing         Opcode = 0x9
	OpPong         Opcode = 0xA
)

// The status codes of RFC 6455 section 7.4.1 and of the IANA registry that are used here.
const (
	CodeNormal         = 1000
	CodeGoingAway      = 1001
	CodeProtocolError  = 1002
	CodeNoStatus       = 1005
	CodeInvalidPayload = 1007
	CodePolicy         = 1008
	CodeTooBig         = 1009
	CodeInternal       = 1011
	CodeRestart        = 1012
	CodeTryLater       = 1013
)

const (
	finBit  = 0x80
	rsvBits = 0x70
	maskBit = 0x80

	// MaxControl is the largest payload of a control frame (RFC 6455 section 5.5).
	MaxControl = 125
	// maxHeader is the longest frame header: two bytes, a 64-bit length, a mask.
	maxHeader = 14
)

// A ProtocolError says why a stream must be closed, and with which status code.
type ProtocolError struct {
	Code   int
	Reason string
}

// Error implements error.
func (e *ProtocolError) Error() string {
	return fmt.Sprintf("websocket %d: %s", e.Code, e.Reason)
}

func breach(reason string) error {
	return &ProtocolError{Code: CodeProtocolError, Reason: reason}
}

// AcceptKey answers a Sec-WebSocket-Key (RFC 6455 section 4.2.2, item 5.4).
func AcceptKey(key string) string {
	const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
	sum := sha1.Sum([]byte(key + guid)) //nolint:gosec // see the import
	return base64.StdEncoding.EncodeToString(sum[:])
}

// ValidKey reports whether a Sec-WebSocket-Key is the base64 of 16 bytes
// (RFC 6455 section 4.2.1, item 5).
func ValidKey(key string) bool {
	raw, err := base64.StdEncoding.DecodeString(key)
	return err == nil && len(raw) == 16
}

// AppendHeader appends the header of an unmasked, final frame.
func AppendHeader(dst []byte, op Opcode, length int) []byte {
	return appendHeader(dst, op, length, 0)
}

func appendHeader(dst []byte, op Opcode, length int, mask byte) []byte {
	dst = append(dst, finBit|byte(op))
	switch {
	case length <= 125:
		return append(dst, mask|byte(length)) //nolint:gosec // at most 125
	case length <= 0xFFFF:
		dst = append(dst, mask|126)
		return binary.BigEndian.AppendUint16(dst, uint16(length))
	default:
		dst = append(dst, mask|127)
		return binary.BigEndian.AppendUint64(dst, uint64(length))
	}
}

// AppendFrame appends a whole unmasked, final frame.
func AppendFrame(dst []byte, op Opcode, payload []byte) []byte {
	return append(AppendHeader(dst, op, len(payload)), payload...)
}

// AppendMasked appends a whole final frame as a client must send it (RFC 6455 section 5.3).
func AppendMasked(dst []byte, op Opcode, payload []byte, key [4]byte) []byte {
	dst = appendHeader(dst, op, len(payload), maskBit)
	dst = append(dst, key[:]...)
	start := len(dst)
	dst = append(dst, payload...)
	Mask(dst[start:], key)
	return dst
}

// AppendClose appends a close frame. A reason longer than the 123 bytes the RFC
// leaves for it is cut. Code 0 or 1005 gives an empty close frame.
func AppendClose(dst []byte, code int, reason string) []byte {
	if code == 0 || code == CodeNoStatus {
		return AppendHeader(dst, OpClose, 0)
	}
	if len(reason) > MaxControl-2 {
		reason = reason[:MaxControl-2]
	}
	dst = AppendHeader(dst, OpClose, 2+len(reason))
	dst = binary.BigEndian.AppendUint16(dst, uint16(code)) //nolint:gosec // status codes have four digits
	return append(dst, reason...)
}

// Mask applies the mask of RFC 6455 section 5.3 in place, eight bytes at a time.
func Mask(p []byte, key [4]byte) {
	k32 := binary.LittleEndian.Uint32(key[:])
	k64 := uint64(k32)<<32 | uint64(k32)
	for len(p) >= 8 {
		binary.LittleEndian.PutUint64(p, binary.LittleEndian.Uint64(p)^k64)
		p = p[8:]
	}
	for i := range p {
		p[i] ^= key[i&3]
	}
}
