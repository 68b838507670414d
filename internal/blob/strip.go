package blob

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// traits are what is learnt of a picture on the way.
type traits struct {
	orientation int  // EXIF, 1 to 8; zero when there is none
	progressive bool // of a JPEG: decoding takes much more memory
}

// stripMetadata copies a picture and leaves out everything that does not change
// how it looks: place, camera, times, comments, previews, and whatever was
// appended. The pixels are copied as they are. Where a JPEG has an orientation,
// a minimal EXIF block keeps that alone. It streams; errNotPicture means that the
// bytes are not what the type says, and that what was written is to be thrown away.
func stripMetadata(mime string, w io.Writer, r *bufio.Reader) (traits, error) {
	s := stripper{r: r, w: w}
	var err error
	switch mime {
	case mimeJPEG:
		err = s.jpeg()
	case mimePNG:
		err = s.png()
	case mimeGIF:
		err = s.gif()
	case mimeWebP:
		err = s.webp()
	default:
		err = errNotPicture
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errNotPicture
	}
	return s.traits, err
}

type stripper struct {
	r *bufio.Reader
	w io.Writer
	traits
	marker byte // of a JPEG, read already; zero when there is none
}

// take reads exactly n bytes, of which there are few.
func (s *stripper) take(n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(s.r, b); err != nil {
		return nil, fmt.Errorf("read picture: %w", err)
	}
	return b, nil
}

func (s *stripper) put(b ...byte) error {
	if _, err := s.w.Write(b); err != nil {
		return fmt.Errorf("write picture: %w", err)
	}
	return nil
}

func (s *stripper) copy(n int64) error {
	if _, err := io.CopyN(s.w, s.r, n); err != nil {
		return fmt.Errorf("copy picture: %w", err)
	}
	return nil
}

func (s *stripper) skip(n int64) error {
	if _, err := io.CopyN(io.Discard, s.r, n); err != nil {
		return fmt.Errorf("read picture: %w", err)
	}
	return nil
}

// The PNG chunks that say how the picture looks (PNG 3rd edition, section 11;
// with those of animated PNG). All others are left out.
var pngKept = map[string]bool{
	"IHDR": true, "PLTE": true, "IDAT": true, "IEND": true, "tRNS": true, "gAMA": true, "cHRM": true, "sRGB": true,
	"iCCP": true, "sBIT": true, "bKGD": true, "pHYs": true, "cICP": true, "mDCV": true, "cLLI": true,
	"acTL": true, "fcTL": true, "fdAT": true,
}

func (s *stripper) png() error {
	sig, err := s.take(8)
	if err != nil {
		return err
	}
	if string(sig) != "\x89PNG\r\n\x1a\n" {
		return errNotPicture
	}
	if err := s.put(sig...); err != nil {
		return err
	}
	for {
		head, err := s.take(8)
		if err != nil {
			return err
		}
		n, kind := int64(binary.BigEndian.Uint32(head)), string(head[4:])
		if n > 1<<31-1 {
			return errNotPicture
		}
		if !pngKept[kind] {
			if err := s.skip(n + 4); err != nil { // and its CRC
				return err
			}
			continue
		}
		if err := s.put(head...); err != nil {
			return err
		}
		if err := s.copy(n + 4); err != nil {
			return err
		}
		if kind == "IEND" {
			return nil
		}
	}
}

// gif follows GIF89a, sections 17 to 27.
func (s *stripper) gif() error {
	head, err := s.take(13)
	if err != nil {
		return err
	}
	if v := string(head[:6]); v != "GIF87a" && v != "GIF89a" {
		return errNotPicture
	}
	if err := s.put(head...); err != nil {
		return err
	}
	if err := s.gifTable(head[10]); err != nil {
		return err
	}
	for {
		kind, err := s.take(1)
		if err != nil {
			return err
		}
		switch kind[0] {
		case 0x2c: // image
			err = s.gifImage()
		case 0x21: // extension
			err = s.gifExtension()
		case 0x3b: // trailer
			return s.put(0x3b)
		default:
			err = errNotPicture
		}
		if err != nil {
			return err
		}
	}
}

func (s *stripper) gifTable(flags byte) error {
	if flags&0x80 == 0 {
		return nil
	}
	return s.copy(3 << (flags&7 + 1))
}

func (s *stripper) gifImage() error {
	d, err := s.take(9)
	if err != nil {
		return err
	}
	if err := s.put(append([]byte{0x2c}, d...)...); err != nil {
		return err
	}
	if err := s.gifTable(d[8]); err != nil {
		return err
	}
	if err := s.copy(1); err != nil { // size of codes
		return err
	}
	return s.gifBlocks(s.w)
}

// gifBlocks copies sub-blocks up to the empty one that ends them.
func (s *stripper) gifBlocks(w io.Writer) error {
	for {
		n, err := s.r.ReadByte()
		if err != nil {
			return fmt.Errorf("read picture: %w", err)
		}
		if _, err := w.Write([]byte{n}); err != nil {
			return fmt.Errorf("write picture: %w", err)
		}
		if n == 0 {
			return nil
		}
		if _, err := io.CopyN(w, s.r, int64(n)); err != nil {
			return fmt.Errorf("copy picture: %w", err)
		}
	}
}

// gifExtension keeps what times and repeats an animation.
func (s *stripper) gifExtension() error {
	label, err := s.take(1)
	if err != nil {
		return err
	}
	switch label[0] {
	case 0xf9: // graphic control
		if err := s.put(0x21, 0xf9); err != nil {
			return err
		}
		return s.gifBlocks(s.w)
	case 0xff: // application
		name, err := s.r.Peek(12)
		if err != nil {
			return fmt.Errorf("read picture: %w", err)
		}
		if id := string(name[1:]); name[0] == 11 && (id == "NETSCAPE2.0" || id == "ANIMEXTS1.0") {
			if err := s.put(0x21, 0xff); err != nil {
				return err
			}
			return s.gifBlocks(s.w)
		}
	}
	return s.gifBlocks(io.Discard)
}

// webp follows RFC 9649 section 2. The size of the whole stands at the front, so
// metadata chunks are not left out but overwritten, as chunks of an unknown type.
func (s *stripper) webp() error {
	head, err := s.take(12)
	if err != nil {
		return err
	}
	if string(head[:4]) != "RIFF" || string(head[8:]) != "WEBP" {
		return errNotPicture
	}
	if err := s.put(head...); err != nil {
		return err
	}
	left := int64(binary.LittleEndian.Uint32(head[4:])) - 4
	for left > 0 {
		c, err := s.take(8)
		if err != nil {
			return err
		}
		n := int64(binary.LittleEndian.Uint32(c[4:]))
		n += n & 1 // padding
		if left -= 8 + n; left < 0 {
			return errNotPicture
		}
		if err := s.webpChunk(c, n); err != nil {
			return err
		}
	}
	return nil
}

func (s *stripper) webpChunk(head []byte, n int64) error {
	switch string(head[:4]) {
	case "VP8 ", "VP8L", "ALPH", "ANIM", "ANMF", "ICCP":
		if err := s.put(head...); err != nil {
			return err
		}
		return s.copy(n)
	case "VP8X":
		body, err := s.take(int(min(n, 1<<10)))
		if err != nil {
			return err
		}
		if n != 10 {
			return errNotPicture
		}
		body[0] &^= 0x08 | 0x04 // no EXIF, no XMP
		return s.put(append(head, body...)...)
	}
	if err := s.put(append([]byte("JUNK"), head[4:]...)...); err != nil {
		return err
	}
	if err := s.skip(n); err != nil {
		return err
	}
	if _, err := io.CopyN(s.w, zeros{}, n); err != nil {
		return fmt.Errorf("write picture: %w", err)
	}
	return nil
}

// zeros reads as zero bytes without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
