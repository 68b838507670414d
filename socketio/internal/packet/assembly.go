package packet

import "bytes"

// An Assembly is a packet whose binary attachments are still arriving. The zero value is
// one that waits for nothing. It keeps no more than it was promised and allowed.
type Assembly struct {
	packet Packet
	parts  [][]byte
	size   int
}

// Waiting reports whether attachments are missing: nothing else may come before them.
func (a *Assembly) Waiting() bool { return len(a.parts) < a.packet.Attachments }

// Begin takes the text of a packet and reports whether it is complete.
func (a *Assembly) Begin(p Packet) (complete bool, err error) {
	if a.Waiting() {
		return false, ErrAttachments
	}
	*a = Assembly{packet: p}
	return !a.Waiting(), nil
}

// Add takes a copy of the next attachment and reports whether the packet is complete.
// All attachments together may have limit bytes: ErrTooBig.
func (a *Assembly) Add(data []byte, limit int) (complete bool, err error) {
	if !a.Waiting() {
		return false, ErrAttachments
	}
	if a.size += len(data); a.size > limit {
		return false, ErrTooBig
	}
	a.parts = append(a.parts, bytes.Clone(data))
	return !a.Waiting(), nil
}

// Take returns the complete packet and its attachments.
func (a *Assembly) Take() (Packet, [][]byte) {
	p, parts := a.packet, a.parts
	*a = Assembly{}
	return p, parts
}
