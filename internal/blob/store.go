package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	_ "gocloud.dev/blob/s3blob" // s3://
	"gocloud.dev/gcerrors"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// sniffBytes is how much of a file is looked at to find its type.
	sniffBytes = 3 << 10
	// tempPrefix is where pictures lie until their metadata has been taken out.
	tempPrefix = "tmp/"
)

// Options say where bytes are kept and how pictures are handled.
type Options struct {
	// URL is a gocloud.dev/blob URL, for example s3://bucket?region=eu-west-1;
	// "" means the folder Dir, and file:///folder another one.
	URL string
	Dir string
	// ImagePixels bounds width times height of a picture that is measured and
	// shown; a larger one is a file like any other. Zero means 40 million.
	ImagePixels int
	// ImageMemory bounds the bytes that all pictures being decoded take. Zero means 256 MiB.
	ImageMemory int64
	Logger      *slog.Logger
}

// Store keeps the bytes of files. It is safe for concurrent use.
type Store struct {
	bucket *blob.Bucket
	// dir is the folder, "" for an object store. A folder's files are synced by us.
	dir    string
	pixels int
	gate   *gate
	logger *slog.Logger
}

// Open opens the store and makes the folder if it does not exist. The caller
// must Close it.
func Open(ctx context.Context, o Options) (*Store, error) {
	s := &Store{pixels: o.ImagePixels, logger: o.Logger}
	if s.pixels <= 0 {
		s.pixels = 40_000_000
	}
	memory := o.ImageMemory
	if memory <= 0 {
		memory = 256 << 20
	}
	s.gate = newGate(memory)
	if folder, ok := strings.CutPrefix(o.URL, "file://"); ok {
		if !filepath.IsAbs(folder) {
			return nil, errors.New("open blob store: a folder is given as file:///folder")
		}
		o.URL, o.Dir = "", folder
	}
	var err error
	if o.URL != "" {
		s.bucket, err = blob.OpenBucket(ctx, o.URL)
	} else {
		s.dir = o.Dir
		s.bucket, err = fileblob.OpenBucket(o.Dir, &fileblob.Options{
			CreateDir: true, DirFileMode: 0o700, NoTempDir: true, Metadata: fileblob.MetadataDontWrite,
		})
	}
	if err != nil {
		return nil, fmt.Errorf("open blob store: %w", err)
	}
	return s, nil
}

// Close releases what Open took.
func (s *Store) Close() error {
	if err := s.bucket.Close(); err != nil {
		return fmt.Errorf("close blob store: %w", err)
	}
	return nil
}

// Ping reports whether the store can be reached.
func (s *Store) Ping(ctx context.Context) error {
	ok, err := s.bucket.IsAccessible(ctx)
	if err == nil && !ok {
		err = errors.New("the bucket does not exist")
	}
	if err != nil {
		return fmt.Errorf("reach blob store: %w", err)
	}
	return nil
}

// Put stores the bytes of a file under f.ID and completes what is known of it:
// MIME (found by looking at the bytes), Size, SHA256 and, of a picture, Width,
// Height and Thumb. A picture is stored without its metadata. The bytes are
// durable when Put returns; after an error nothing is left of them. An error of
// body comes back wrapped.
func (s *Store) Put(ctx context.Context, f *chat.File, body io.Reader) error {
	head := make([]byte, sniffBytes)
	n, err := io.ReadFull(body, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("read file: %w", err)
	}
	head = head[:n]
	f.MIME = sniff(head)
	body = io.MultiReader(bytes.NewReader(head), body)
	if picture(f.MIME) {
		err = s.putPicture(ctx, f, body)
	} else {
		err = s.putBytes(ctx, f, body)
	}
	if err != nil {
		s.discard(ctx, key(f.ID), thumbKey(f.ID))
	}
	return err
}

// Get opens length bytes of a file, or of its thumbnail, from offset on; a
// length of -1 means to the end. What is not there gives chat.ErrNotFound.
func (s *Store) Get(ctx context.Context, id chat.FileID, thumb bool, offset, length int64) (io.ReadCloser, error) {
	r, err := s.bucket.NewRangeReader(ctx, name(id, thumb), offset, length, nil)
	if err != nil {
		return nil, convert("read blob", err)
	}
	return r, nil
}

// Thumb gives type and size of a thumbnail, or chat.ErrNotFound.
func (s *Store) Thumb(ctx context.Context, id chat.FileID) (mime string, size int64, err error) {
	r, err := s.bucket.NewReader(ctx, thumbKey(id), nil)
	if err != nil {
		return "", 0, convert("read thumbnail", err)
	}
	defer r.Close()
	head := make([]byte, 16)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "", 0, convert("read thumbnail", err)
	}
	return sniff(head[:n]), r.Size(), nil
}

// Delete deletes a file's bytes and its thumbnail. What is not there is no error.
func (s *Store) Delete(ctx context.Context, id chat.FileID) error {
	for _, k := range []string{key(id), thumbKey(id)} {
		if err := s.bucket.Delete(ctx, k); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
			return fmt.Errorf("delete blob: %w", err)
		}
	}
	return nil
}

// Sweep deletes what unfinished uploads left before a time.
func (s *Store) Sweep(ctx context.Context, before chat.Time) error {
	list := s.bucket.List(&blob.ListOptions{Prefix: tempPrefix})
	for {
		object, err := list.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("list unfinished uploads: %w", err)
		}
		if chat.TimeOf(object.ModTime) < before {
			s.discard(ctx, object.Key)
		}
	}
}

// putBytes streams a file as it is.
func (s *Store) putBytes(ctx context.Context, f *chat.File, body io.Reader) error {
	done, err := s.write(ctx, key(f.ID), func(w io.Writer) error {
		_, err := io.Copy(w, body)
		return err //nolint:wrapcheck // write wraps
	})
	f.SHA256, f.Size = done.sum, done.size
	return err
}

type written struct {
	sum  [32]byte
	size int64
}

// write makes a blob of what fill writes. Nothing is left of it after an error.
func (s *Store) write(ctx context.Context, key string, fill func(io.Writer) error) (written, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var done written
	w, err := s.bucket.NewWriter(ctx, key, &blob.WriterOptions{ContentType: octets, DisableContentTypeDetection: true})
	if err != nil {
		return done, fmt.Errorf("open blob: %w", err)
	}
	count := &counter{sum: sha256.New()}
	if err := fill(io.MultiWriter(w, count)); err != nil {
		cancel() // makes Close throw away what was written
		if cerr := w.Close(); cerr == nil {
			s.discard(ctx, key)
		}
		return done, fmt.Errorf("write blob: %w", err)
	}
	if err := w.Close(); err != nil {
		return done, fmt.Errorf("close blob: %w", err)
	}
	if err := s.sync(key); err != nil {
		return done, err
	}
	count.sum.Sum(done.sum[:0])
	done.size = count.size
	return done, nil
}

// sync makes a file and its name in the folder survive a power loss. Object
// stores do so by themselves.
func (s *Store) sync(key string) error {
	if s.dir == "" {
		return nil
	}
	path := filepath.Join(s.dir, filepath.FromSlash(key))
	for _, p := range []string{path, filepath.Dir(path), filepath.Dir(filepath.Dir(path))} {
		if err := syncPath(p); err != nil {
			return err
		}
	}
	return nil
}

func syncPath(path string) error {
	f, err := os.Open(path) //nolint:gosec // made of an id
	if err != nil {
		return fmt.Errorf("sync blob: %w", err)
	}
	defer func() { _ = f.Close() }() // Sync has told all
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync blob: %w", err)
	}
	return nil
}

type counter struct {
	sum  hash.Hash
	size int64
}

func (c *counter) Write(p []byte) (int, error) {
	c.size += int64(len(p))
	return c.sum.Write(p) //nolint:wrapcheck // a hash never fails
}

// discard deletes blobs that nothing names, even when ctx has ended; what stays is swept later.
func (s *Store) discard(ctx context.Context, keys ...string) {
	ctx = context.WithoutCancel(ctx)
	for _, k := range keys {
		if err := s.bucket.Delete(ctx, k); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
			s.logger.WarnContext(ctx, "delete blob", "key", k, "error", err)
		}
	}
}

func convert(verb string, err error) error {
	if gcerrors.Code(err) == gcerrors.NotFound {
		return fmt.Errorf("%s: %w", verb, chat.ErrNotFound)
	}
	return fmt.Errorf("%s: %w", verb, err)
}

// key is where a file's bytes are. The last two digits of its id are random and
// spread files over folders.
func key(id chat.FileID) string {
	text := id.String()
	return "files/" + text[34:] + "/" + text
}

func thumbKey(id chat.FileID) string { return key(id) + ".thumb" }

func name(id chat.FileID, thumb bool) string {
	if thumb {
		return thumbKey(id)
	}
	return key(id)
}
