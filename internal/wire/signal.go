package wire

import (
	"encoding/json"
	"strings"

	"github.com/parley-chat/parley/internal/chat"
)

// The types of a signal. What else a signal holds is between the two devices.
const (
	SignalOffer       = "offer"       // sdp: a session description (RFC 8829)
	SignalAnswer      = "answer"      // sdp
	SignalCandidate   = "candidate"   // candidate: one line (RFC 8839 section 5.1); empty after the last
	SignalRenegotiate = "renegotiate" // a new offer is wished for
	SignalState       = "state"       // of microphone and camera
)

// CheckSignal says whether a signal may be sent on: an object of a type above, of at
// most chat.MaxSignalBytes, whose session description or candidate looks like one.
// Longer ones give the code too_large, others invalid. The JSON is valid already.
func CheckSignal(signal json.RawMessage) error {
	if len(signal) > chat.MaxSignalBytes {
		return &chat.Error{Code: chat.CodeTooLarge, Message: "A signal holds at most 64 KiB.", Fields: map[string]string{"signal": "too large"}}
	}
	// Keys are looked for as clients do, and as a struct would not: exactly as they are written.
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(signal, &keys); err != nil || keys == nil {
		return errNoSignal
	}
	var s struct{ kind, sdp, candidate *string }
	for key, to := range map[string]**string{"type": &s.kind, "sdp": &s.sdp, "candidate": &s.candidate} {
		if raw, ok := keys[key]; ok && (json.Unmarshal(raw, to) != nil || *to == nil) {
			return errNoSignal
		}
	}
	switch {
	case s.kind == nil:
		return errNoSignal
	case s.sdp != nil && controls(*s.sdp, "\r\n\t"):
		return chat.Invalid("signal.sdp", "has a control character")
	case s.candidate != nil && controls(*s.candidate, ""):
		return chat.Invalid("signal.candidate", "is not one line")
	}
	switch *s.kind {
	case SignalOffer, SignalAnswer:
		if s.sdp == nil || !strings.HasPrefix(*s.sdp, "v=0\r\n") && !strings.HasPrefix(*s.sdp, "v=0\n") {
			return chat.Invalid("signal.sdp", "is not a session description")
		}
	case SignalCandidate:
		if s.candidate == nil || *s.candidate != "" && !strings.HasPrefix(*s.candidate, "candidate:") {
			return chat.Invalid("signal.candidate", "is not a candidate")
		}
	case SignalRenegotiate, SignalState:
	default:
		return chat.Invalid("signal.type", "is none of offer, answer, candidate, renegotiate, state")
	}
	return nil
}

var errNoSignal = chat.Invalid("signal", "is not an object whose type, sdp and candidate are text")

// controls reports whether a text has a control character besides those that may be there.
func controls(text, but string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return (r < 0x20 || r == 0x7f) && !strings.ContainsRune(but, r) })
}
