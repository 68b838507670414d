package blob

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

// gate bounds the memory that pictures being decoded take together, and how
// many are decoded at once.
type gate struct {
	most   int64
	memory *semaphore.Weighted
	slots  *semaphore.Weighted
}

func newGate(bytes int64) *gate {
	return &gate{most: bytes, memory: semaphore.NewWeighted(bytes), slots: semaphore.NewWeighted(int64(runtime.GOMAXPROCS(0)))}
}

// enter waits until there is room. fits is false for what never fits.
func (g *gate) enter(ctx context.Context, bytes int64) (leave func(), fits bool, err error) {
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

// putPicture stores a picture without its metadata, measures it and makes its
// thumbnail. What only begins like a picture is stored as bytes of no known type.
func (s *Store) putPicture(ctx context.Context, f *chat.File, body io.Reader) error {
	temp := tempPrefix + f.ID.String()
	defer s.discard(ctx, temp)
	_, err := s.write(ctx, temp, func(w io.Writer) error {
		_, err := io.Copy(w, body)
		return err //nolint:wrapcheck // write wraps
	})
	if err != nil {
		return err
	}
	config, found, err := s.clean(ctx, f, temp)
	if errors.Is(err, errNotPicture) {
		f.MIME = octets
		return s.read(ctx, temp, func(r *bufio.Reader) error { return s.putBytes(ctx, f, r) })
	}
	if err != nil {
		return err
	}
	if config.Width > s.pixels/config.Height {
		return nil // stored, not measured: a download, decoded by nobody
	}
	f.Width, f.Height = config.Width, config.Height
	if found.orientation >= 5 {
		f.Width, f.Height = config.Height, config.Width
	}
	return s.makeThumb(ctx, f, config, found)
}

// clean writes the picture at temp to its place, without its metadata.
func (s *Store) clean(ctx context.Context, f *chat.File, temp string) (image.Config, traits, error) {
	var config image.Config
	var found traits
	err := s.read(ctx, temp, func(r *bufio.Reader) error {
		var err error
		config, err = decodeConfig(f.MIME, r)
		if err != nil || config.Width <= 0 || config.Height <= 0 {
			return errNotPicture
		}
		return nil
	})
	if err != nil {
		return config, found, err
	}
	done, err := s.write(ctx, key(f.ID), func(w io.Writer) error {
		return s.read(ctx, temp, func(r *bufio.Reader) error {
			var err error
			found, err = stripMetadata(f.MIME, w, r)
			return err
		})
	})
	f.SHA256, f.Size = done.sum, done.size
	return config, found, err
}

// read opens a blob for a function.
func (s *Store) read(ctx context.Context, key string, use func(*bufio.Reader) error) error {
	r, err := s.bucket.NewReader(ctx, key, nil)
	if err != nil {
		return fmt.Errorf("read blob: %w", err)
	}
	defer r.Close()
	return use(bufio.NewReaderSize(r, 64<<10))
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
// picture that cannot be decoded, or only with more memory than is allowed, has
// none; that is no error.
func (s *Store) makeThumb(ctx context.Context, f *chat.File, config image.Config, found traits) error {
	if config.Width <= thumbSide && config.Height <= thumbSide && f.Size <= smallPicture {
		return nil
	}
	leave, fits, err := s.gate.enter(ctx, memoryOf(config, f.MIME, found))
	if err != nil || !fits {
		return err
	}
	defer leave()
	var img image.Image
	err = s.read(ctx, key(f.ID), func(r *bufio.Reader) error {
		var err error
		img, err = decodePicture(f.MIME, r)
		return err
	})
	if err != nil {
		s.logger.InfoContext(ctx, "no thumbnail", "file_id", f.ID, "mime", f.MIME, "error", err)
		return nil
	}
	small := orient(shrink(img, thumbSide), found.orientation)
	_, err = s.write(ctx, thumbKey(f.ID), func(w io.Writer) error { return encodeThumb(w, small) })
	f.Thumb = err == nil
	return err
}
