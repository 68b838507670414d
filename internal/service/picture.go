package service

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"runtime"

	"golang.org/x/image/webp"
	"golang.org/x/sync/semaphore"

	"github.com/parley-chat/parley/internal/chat"
)

// errNotPicture says that bytes which began like a picture are none.
var errNotPicture = errors.New("not a picture of the type it claims to be")

// imageGate bounds the memory that pictures being decoded take together, and how
// many are decoded at once.
type imageGate struct {
	most   int64
	memory *semaphore.Weighted
	slots  *semaphore.Weighted
}

func newImageGate(bytes int64) *imageGate {
	return &imageGate{most: bytes, memory: semaphore.NewWeighted(bytes), slots: semaphore.NewWeighted(int64(runtime.GOMAXPROCS(0)))}
}

// enter waits until there is room. fits is false for what never fits.
func (g *imageGate) enter(ctx context.Context, bytes int64) (leave func(), fits bool, err error) {
	if bytes > g.most {
		return nil, false, nil
	}
	if err := g.slots.Acquire(ctx, 1); err != nil {
		return nil, false, fmt.Errorf("wait for a decoder: %w", err)
	}
	if err := g.memory.Acquire(ctx, bytes); err != nil {
		g.slots.Release(1)
		return nil, false, fmt.Errorf("wait for memory: %w", err)
	}
	return func() {
		g.memory.Release(bytes)
		g.slots.Release(1)
	}, true, nil
}

// storePicture stores a picture without its metadata, measures it and makes its
// thumbnail. What only begins like a picture is stored as bytes of no known type.
func (s *Service) storePicture(ctx context.Context, file *chat.File, body io.Reader) error {
	temp := tempPrefix + file.ID.String()
	defer s.discard(ctx, temp)
	if _, _, err := s.write(ctx, temp, body); err != nil {
		return err
	}
	config, err := s.measure(ctx, temp, file.MIME)
	if errors.Is(err, errNotPicture) {
		return s.storeOpaque(ctx, file, temp)
	}
	if err != nil {
		return err
	}
	var found traits
	file.SHA256, file.Size, err = s.writeBy(ctx, blobKey(file.ID), func(w io.Writer) error {
		r, err := s.Blobs.NewReader(ctx, temp, nil)
		if err != nil {
			return fmt.Errorf("read blob: %w", err)
		}
		defer r.Close() //nolint:errcheck // nothing was written
		found, err = stripMetadata(file.MIME, w, bufio.NewReaderSize(r, 64<<10))
		return err
	})
	if errors.Is(err, errNotPicture) {
		return s.storeOpaque(ctx, file, temp)
	}
	if err != nil {
		return err
	}
	if config.Width > s.Limits.ImagePixels/max(config.Height, 1) {
		return nil // stored, not measured: a download, decoded by nobody
	}
	file.Width, file.Height = config.Width, config.Height
	if found.orientation >= 5 {
		file.Width, file.Height = config.Height, config.Width
	}
	return s.makeThumb(ctx, file, config, found)
}

func (s *Service) storeOpaque(ctx context.Context, file *chat.File, temp string) error {
	r, err := s.Blobs.NewReader(ctx, temp, nil)
	if err != nil {
		return fmt.Errorf("read blob: %w", err)
	}
	defer r.Close() //nolint:errcheck // nothing was written
	file.MIME = octets
	return s.storeBytes(ctx, file, r)
}

func (s *Service) measure(ctx context.Context, key, mime string) (image.Config, error) {
	r, err := s.Blobs.NewReader(ctx, key, nil)
	if err != nil {
		return image.Config{}, fmt.Errorf("read blob: %w", err)
	}
	defer r.Close() //nolint:errcheck // nothing was written
	config, err := decodeConfig(mime, bufio.NewReaderSize(r, 64<<10))
	if err != nil || config.Width <= 0 || config.Height <= 0 {
		return image.Config{}, errNotPicture
	}
	return config, nil
}

func decodeConfig(mime string, r io.Reader) (image.Config, error) {
	switch mime {
	case mimeJPEG:
		return jpeg.DecodeConfig(r)
	case mimePNG:
		return png.DecodeConfig(r)
	case mimeGIF:
		return gif.DecodeConfig(r)
	case mimeWebP:
		return webp.DecodeConfig(r)
	default:
		return image.Config{}, errNotPicture
	}
}

func decodePicture(mime string, r io.Reader) (image.Image, error) {
	switch mime {
	case mimeJPEG:
		return jpeg.Decode(r)
	case mimePNG:
		return png.Decode(r)
	case mimeGIF:
		return gif.Decode(r)
	case mimeWebP:
		return webp.Decode(r)
	default:
		return nil, errNotPicture
	}
}

// memoryOf estimates, from above, what decoding takes.
func memoryOf(config image.Config, mime string, found traits) int64 {
	each := int64(4)
	switch {
	case mime == mimeJPEG && found.progressive:
		each = 15 // three planes, and their coefficients as 32-bit numbers
	case mime == mimeWebP:
		each = 9
	case config.ColorModel == color.RGBA64Model || config.ColorModel == color.NRGBA64Model:
		each = 8
	}
	pixels := int64(config.Width) * int64(config.Height)
	if mime == mimePNG {
		pixels += pixels / 2 // the passes of an interlaced one
	}
	return pixels * each
}

// makeThumb makes the small form of a picture that is not small already. A
// picture that cannot be decoded has none; that is no error.
func (s *Service) makeThumb(ctx context.Context, file *chat.File, config image.Config, found traits) error {
	if config.Width <= thumbSide && config.Height <= thumbSide && file.Size <= smallPicture {
		return nil
	}
	leave, fits, err := s.images.enter(ctx, memoryOf(config, file.MIME, found))
	if err != nil {
		return err
	}
	if !fits {
		return nil
	}
	defer leave()
	r, err := s.Blobs.NewReader(ctx, blobKey(file.ID), nil)
	if err != nil {
		return fmt.Errorf("read blob: %w", err)
	}
	defer r.Close() //nolint:errcheck // nothing was written
	img, err := decodePicture(file.MIME, bufio.NewReaderSize(r, 64<<10))
	if err != nil {
		s.Logger.InfoContext(ctx, "no thumbnail", "file_id", file.ID, "mime", file.MIME, "error", err)
		return nil
	}
	small := orient(shrink(img, thumbSide), found.orientation)
	if _, _, err := s.writeBy(ctx, thumbKey(file.ID), func(w io.Writer) error { return encodeThumb(w, small) }); err != nil {
		return err
	}
	file.Thumb = true
	return nil
}
