package blob

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"

	"github.com/parley-chat/parley/internal/chat"
)

// avatarSide is the side of a profile's picture, in pixels.
const avatarSide = 512

var (
	errAvatar = chat.Invalid("file", "is not a picture that can be shown: PNG, JPEG, GIF and WebP can")
	errPixels = &chat.Error{
		Code: chat.CodeTooLarge, Reason: "picture_too_large", Message: "The picture has too many pixels.",
		Fields: map[string]string{"file": "has too many pixels"},
	}
)

// PutAvatar stores the middle square of a picture, scaled to at most 512 pixels
// and encoded anew, so that nothing of the upload but what it shows is kept, under
// f.ID, and completes what is known of it as Put does. body is read whole: the
// caller bounds it. What is no picture gives chat.ErrInvalid, one of too many
// pixels chat.ErrTooLarge. The bytes are durable when PutAvatar returns; after an
// error nothing is left of them.
func (s *Store) PutAvatar(ctx context.Context, f *chat.File, body io.Reader) error {
	data, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("read picture: %w", err)
	}
	img, err := s.square(ctx, data)
	if err != nil {
		return err
	}
	f.MIME = mimeJPEG
	if !img.Opaque() {
		f.MIME = mimePNG
	}
	f.Width, f.Height, f.Thumb = img.Rect.Dx(), img.Rect.Dy(), false
	done, err := s.write(ctx, key(f.ID), func(w io.Writer) error { return encodeThumb(w, img) })
	f.SHA256, f.Size = done.sum, done.size
	return err
}

// square decodes the middle of a picture, upright.
func (s *Store) square(ctx context.Context, data []byte) (*image.RGBA, error) {
	mime := sniff(data[:min(len(data), sniffBytes)])
	config, err := decodeConfig(mime, bytes.NewReader(data))
	if err != nil || config.Width <= 0 || config.Height <= 0 {
		return nil, errAvatar
	}
	if config.Width > s.pixels/config.Height {
		return nil, errPixels
	}
	found, err := stripMetadata(mime, io.Discard, bufio.NewReader(bytes.NewReader(data)))
	if err != nil {
		return nil, errAvatar
	}
	leave, fits, err := s.gate.enter(ctx, memoryOf(config, mime, found))
	if err != nil {
		return nil, err
	}
	if !fits {
		return nil, errPixels
	}
	defer leave()
	img, err := decodePicture(mime, bytes.NewReader(data))
	if err != nil {
		return nil, errAvatar
	}
	middle, err := middleOf(img)
	if err != nil {
		return nil, err
	}
	return orient(shrink(middle, avatarSide), found.orientation), nil
}

// middleOf cuts the largest square out of the middle of a picture.
func middleOf(img image.Image) (image.Image, error) {
	b := img.Bounds()
	side := min(b.Dx(), b.Dy())
	at := image.Pt(b.Min.X+(b.Dx()-side)/2, b.Min.Y+(b.Dy()-side)/2)
	part, ok := img.(interface {
		SubImage(r image.Rectangle) image.Image
	})
	if !ok {
		return nil, errors.New("a decoder gave a picture of which no part can be taken")
	}
	return part.SubImage(image.Rectangle{Min: at, Max: at.Add(image.Pt(side, side))}), nil
}
