package engineio

import (
	"bytes"
	"encoding/base64"
	"errors"
	"unicode/utf8"
)

// packetType is the first character of an Engine.IO packet.
type packetType byte

const (
	packetOpen    packetType = '0'
	packetClose   packetType = '1'
	packetPing    packetType = '2'
	packetPong    packetType = '3'
	packetMessage packetType = '4'
	packetUpgrade packetType = '5'
	packetNoop    packetType = '6'
)

// separator stands between the packets of a long-polling payload.
const separator = 0x1e

// maxPackets bounds the packets of one long-polling payload.
const maxPackets = 10_000

// packet is one decoded packet; data points into what was decoded.
type packet struct {
	kind   packetType
	data   []byte
	binary bool
}

var (
	errEmptyPacket    = errors.New("empty packet")
	errUnknownPacket  = errors.New("unknown packet type")
	errBase64         = errors.New("binary packet is not base64")
	errNotUTF8        = errors.New("payload is not UTF-8")
	errTooManyPackets = errors.New("too many packets")
)

// decodeText decodes a text packet.
func decodeText(b []byte) (packet, error) {
	if len(b) == 0 {
		return packet{}, errEmptyPacket
	}
	if b[0] < byte(packetOpen) || b[0] > byte(packetNoop) {
		return packet{}, errUnknownPacket
	}
	return packet{kind: packetType(b[0]), data: b[1:]}, nil
}

// decodePayload decodes a long-polling body, calling each for its packets in turn.
// Nothing is handed over before the whole body has been found well formed.
func decodePayload(body []byte, each func(packet) error) error {
	if !utf8.Valid(body) {
		return errNotUTF8
	}
	if bytes.Count(body, []byte{separator}) >= maxPackets {
		return errTooManyPackets
	}
	packets := make([]packet, 0, 1+bytes.Count(body, []byte{separator}))
	for raw := range bytes.SplitSeq(body, []byte{separator}) {
		p, err := decodePolled(raw)
		if err != nil {
			return err
		}
		packets = append(packets, p)
	}
	for _, p := range packets {
		if err := each(p); err != nil {
			return err
		}
	}
	return nil
}

// decodePolled decodes one packet of a payload, in which binary data is base64 after a 'b'.
func decodePolled(raw []byte) (packet, error) {
	if len(raw) == 0 || raw[0] != 'b' {
		return decodeText(raw)
	}
	data := make([]byte, base64.StdEncoding.DecodedLen(len(raw)-1))
	n, err := base64.StdEncoding.Decode(data, raw[1:])
	if err != nil {
		return packet{}, errBase64
	}
	return packet{kind: packetMessage, data: data[:n], binary: true}, nil
}
