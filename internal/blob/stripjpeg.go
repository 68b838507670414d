package blob

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Markers of JPEG (ITU-T T.81, table B.1).
const (
	jpegSOI   = 0xd8
	jpegEOI   = 0xd9
	jpegSOS   = 0xda
	jpegSOF2  = 0xc2
	jpegAPP0  = 0xe0
	jpegAPP1  = 0xe1
	jpegAPP2  = 0xe2
	jpegAPP14 = 0xee
	jpegAPP15 = 0xef
	jpegCOM   = 0xfe
)

// jpeg copies the segments that make the picture, the colour profile and the two
// application segments that say how colours are coded.
func (s *stripper) jpeg() error {
	soi, err := s.take(2)
	if err != nil {
		return err
	}
	if soi[0] != 0xff || soi[1] != jpegSOI {
		return errNotPicture
	}
	if err := s.put(soi...); err != nil {
		return err
	}
	for {
		marker, err := s.jpegMarker()
		if err != nil {
			return err
		}
		if marker == jpegEOI {
			return s.put(0xff, jpegEOI)
		}
		if marker == 0x01 || marker >= 0xd0 && marker <= jpegSOI { // stand alone
			return errNotPicture
		}
		if err := s.jpegSegment(marker); err != nil {
			return err
		}
		if marker != jpegSOS {
			continue
		}
		err = s.jpegScan()
		if errors.Is(err, io.EOF) { // cut off; it shows as far as it goes
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// jpegMarker reads FF and a marker, with fill bytes between.
func (s *stripper) jpegMarker() (byte, error) {
	if m := s.marker; m != 0 {
		s.marker = 0
		return m, nil
	}
	b, err := s.take(2)
	if err != nil {
		return 0, err
	}
	if b[0] != 0xff {
		return 0, errNotPicture
	}
	m := b[1]
	for m == 0xff {
		if m, err = s.r.ReadByte(); err != nil {
			return 0, fmt.Errorf("read picture: %w", err)
		}
	}
	return m, nil
}

func (s *stripper) jpegSegment(marker byte) error {
	size, err := s.take(2)
	if err != nil {
		return err
	}
	n := int(binary.BigEndian.Uint16(size)) - 2
	if n < 0 {
		return errNotPicture
	}
	if marker == jpegSOF2 {
		s.progressive = true
	}
	switch {
	case marker == jpegAPP1:
		return s.jpegExif(n)
	case marker == jpegCOM, marker >= jpegAPP0 && marker <= jpegAPP15 && !s.jpegKept(marker):
		return s.skip(int64(n))
	}
	if err := s.put(0xff, marker, size[0], size[1]); err != nil {
		return err
	}
	return s.copy(int64(n))
}

// jpegKept looks at the name at the start of an application segment.
func (s *stripper) jpegKept(marker byte) bool {
	var name string
	switch marker {
	case jpegAPP0:
		name = "JFIF\x00"
	case jpegAPP2:
		name = "ICC_PROFILE\x00"
	case jpegAPP14:
		name = "Adobe"
	default:
		return false
	}
	got, err := s.r.Peek(len(name))
	return err == nil && string(got) == name
}

// jpegExif replaces EXIF by one that has the orientation only.
func (s *stripper) jpegExif(n int) error {
	body, err := s.take(n)
	if err != nil {
		return err
	}
	o := exifOrientation(body)
	if s.orientation != 0 || o < 2 || o > 8 {
		return nil
	}
	s.orientation = o
	return s.put(minimalExif(byte(o))...)
}

// jpegScan copies entropy-coded data up to the next marker, which it keeps for jpegMarker.
func (s *stripper) jpegScan() error {
	for {
		part, err := s.r.ReadSlice(0xff)
		full := errors.Is(err, bufio.ErrBufferFull)
		if err != nil && !full {
			if perr := s.put(part...); perr != nil {
				return perr
			}
			return fmt.Errorf("read picture: %w", err)
		}
		if !full {
			part = part[:len(part)-1]
		}
		if err := s.put(part...); err != nil {
			return err
		}
		if full {
			continue
		}
		next, err := s.r.ReadByte()
		if err != nil {
			return fmt.Errorf("read picture: %w", err)
		}
		switch {
		case next == 0x00 || next >= 0xd0 && next <= 0xd7: // a stuffed FF, or a restart
			if err := s.put(0xff, next); err != nil {
				return err
			}
		case next == 0xff: // a fill byte: look at the second FF again
			if err := s.r.UnreadByte(); err != nil {
				return fmt.Errorf("read picture: %w", err)
			}
		default:
			s.marker = next
			return nil
		}
	}
}

const exifName = "Exif\x00\x00"

// exifOrientation finds tag 274 in the first directory (TIFF 6.0); 0 when it is not there.
func exifOrientation(app1 []byte) int {
	if !bytes.HasPrefix(app1, []byte(exifName)) {
		return 0
	}
	tiff := app1[len(exifName):]
	if len(tiff) < 8 {
		return 0
	}
	var order binary.ByteOrder = binary.BigEndian
	switch string(tiff[:4]) {
	case "MM\x00*":
	case "II*\x00":
		order = binary.LittleEndian
	default:
		return 0
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return 0
	}
	count := int64(order.Uint16(tiff[at:]))
	for i := range count {
		e := at + 2 + 12*i
		if e+12 > int64(len(tiff)) {
			return 0
		}
		if order.Uint16(tiff[e:]) == 274 && order.Uint16(tiff[e+2:]) == 3 {
			return int(order.Uint16(tiff[e+8:]))
		}
	}
	return 0
}

// minimalExif is an APP1 segment that holds an orientation and nothing else.
func minimalExif(orientation byte) []byte {
	body := exifName + "MM\x00*\x00\x00\x00\x08" + "\x00\x01" + // one entry:
		"\x01\x12\x00\x03\x00\x00\x00\x01\x00" + string([]byte{orientation}) + "\x00\x00" + "\x00\x00\x00\x00"
	n := len(body) + 2
	return append([]byte{0xff, jpegAPP1, byte(n >> 8), byte(n)}, body...) //nolint:gosec // n is 34
}
