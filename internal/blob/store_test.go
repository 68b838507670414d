package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

func open(t *testing.T, o Options) (*Store, string) {
	t.Helper()
	o.Dir, o.Logger = filepath.Join(t.TempDir(), "blobs"), slog.New(slog.DiscardHandler)
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, o.Dir
}

var madeIDs byte

func newFile() *chat.File {
	madeIDs++
	return &chat.File{Attachment: chat.Attachment{ID: chat.FileID(chat.NewID[struct{}](time.UnixMilli(1), [10]byte{9: madeIDs}))}}
}

func read(t *testing.T, s *Store, id chat.FileID, thumb bool, offset, length int64) []byte {
	t.Helper()
	r, err := s.Get(t.Context(), id, thumb, offset, length)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// files lists what is in the folder.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestPutAndGet(t *testing.T) {
	s, dir := open(t, Options{})
	data := bytes.Repeat([]byte("some text. "), 10_000)
	f := newFile()
	if err := s.Put(t.Context(), f, bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	if f.Size != int64(len(data)) || f.SHA256 != sha256.Sum256(data) || f.MIME != "text/plain" || f.Thumb || f.Width != 0 {
		t.Errorf("got %+v", f)
	}
	if got := read(t, s, f.ID, false, 0, -1); !bytes.Equal(got, data) {
		t.Error("got other bytes back")
	}
	if got := read(t, s, f.ID, false, 5, 7); string(got) != string(data[5:12]) {
		t.Errorf("got %q, want %q", got, data[5:12])
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("got mode %v, %v, want the folder to be its owner's alone", info.Mode(), err)
	}
	if _, _, err := s.Thumb(t.Context(), f.ID); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("got %v, want no thumbnail", err)
	}
	if err := s.Delete(t.Context(), f.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), f.ID); err != nil {
		t.Errorf("delete again: %v", err)
	}
	if _, err := s.Get(t.Context(), f.ID, false, 0, -1); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	if left := files(t, dir); len(left) != 0 {
		t.Errorf("got %v left, want nothing", left)
	}
}

func TestPictureIsMeasured(t *testing.T) {
	s, dir := open(t, Options{})
	var b bytes.Buffer
	img := image.NewNRGBA(image.Rect(0, 0, 1280, 320))
	for i := range img.Pix {
		img.Pix[i] = 128
	}
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	f := newFile()
	if err := s.Put(t.Context(), f, &b); err != nil {
		t.Fatal(err)
	}
	if f.MIME != mimePNG || f.Width != 1280 || f.Height != 320 || !f.Thumb {
		t.Errorf("got %+v", f)
	}
	mime, size, err := s.Thumb(t.Context(), f.ID)
	thumb := read(t, s, f.ID, true, 0, -1)
	if err != nil || mime != mimePNG || size != int64(len(thumb)) { // it is half transparent
		t.Errorf("got %s of %d bytes, %v", mime, size, err)
	}
	small, err := png.Decode(bytes.NewReader(thumb))
	if err != nil || small.Bounds().Dx() != 640 || small.Bounds().Dy() != 160 {
		t.Errorf("got %v, %v", small.Bounds(), err)
	}
	if left := files(t, dir); len(left) != 2 {
		t.Errorf("got %v, want the picture and its thumbnail only", left)
	}
}

func TestTooManyPixels(t *testing.T) {
	s, _ := open(t, Options{ImagePixels: 1000})
	f := newFile()
	if err := s.Put(t.Context(), f, bytes.NewReader(pngFile(t))); err != nil { // 40 x 30
		t.Fatal(err)
	}
	if f.MIME != mimePNG || f.Width != 0 || f.Thumb {
		t.Errorf("got %+v, want a file like any other", f)
	}
	// A header alone that claims a huge picture is decoded by nobody.
	huge := "\x89PNG\r\n\x1a\n" + pngChunk("IHDR", "\x00\x00\xff\xff\x00\x00\xff\xff\x08\x02\x00\x00\x00") + pngChunk("IDAT", "x") + pngChunk("IEND", "")
	f = newFile()
	if err := s.Put(t.Context(), f, strings.NewReader(huge)); err != nil || f.Width != 0 || f.Thumb {
		t.Errorf("got %+v, %v", f, err)
	}
}

func TestTooMuchMemoryMeansNoThumbnail(t *testing.T) {
	s, _ := open(t, Options{ImageMemory: 100_000})
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, 1000, 1000))); err != nil {
		t.Fatal(err)
	}
	f := newFile()
	if err := s.Put(t.Context(), f, &b); err != nil || f.Width != 1000 || f.Thumb {
		t.Errorf("got %+v, %v, want it measured, without a thumbnail", f, err)
	}
}

type failing struct {
	r   io.Reader
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if errors.Is(err, io.EOF) {
		err = f.err
	}
	return n, err
}

func TestNothingIsLeftOfAFailedUpload(t *testing.T) {
	s, dir := open(t, Options{})
	broken := errors.New("the line broke")
	for name, data := range map[string][]byte{"text": bytes.Repeat([]byte("x"), 100_000), "short": []byte("x"), "picture": jpegFile(t)} {
		if err := s.Put(t.Context(), newFile(), &failing{bytes.NewReader(data), broken}); !errors.Is(err, broken) {
			t.Errorf("%s: got %v, want the reader's error", name, err)
		}
		if left := files(t, dir); len(left) != 0 {
			t.Errorf("%s: got %v left, want nothing", name, left)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Put(ctx, newFile(), strings.NewReader("x")); err == nil {
		t.Error("got no error from a context that has ended")
	}
	if left := files(t, dir); len(left) != 0 {
		t.Errorf("got %v left, want nothing", left)
	}
}

func TestSweep(t *testing.T) {
	s, dir := open(t, Options{})
	if _, err := s.write(t.Context(), tempPrefix+"unfinished", func(w io.Writer) error {
		_, err := w.Write([]byte("x"))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	f := newFile()
	if err := s.Put(t.Context(), f, strings.NewReader("kept")); err != nil {
		t.Fatal(err)
	}
	if err := s.Sweep(t.Context(), chat.TimeOf(time.Now().Add(-time.Hour))); err != nil || len(files(t, dir)) != 2 {
		t.Errorf("got %v, %v, want what is young to stay", files(t, dir), err)
	}
	if err := s.Sweep(t.Context(), chat.TimeOf(time.Now().Add(time.Hour))); err != nil || len(files(t, dir)) != 1 {
		t.Errorf("got %v, %v, want the finished file only", files(t, dir), err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestShrinkAverages(t *testing.T) {
	img := image.NewNRGBA(image.Rect(5, 7, 1285, 647)) // does not begin at 0,0
	for y := range 640 {
		for x := range 1280 {
			v := uint8(0)
			if (x+y)%2 == 0 {
				v = 200
			}
			img.SetNRGBA(5+x, 7+y, color.NRGBA{v, v, v, 255})
		}
	}
	small := shrink(img, 640)
	if small.Rect.Dx() != 640 || small.Rect.Dy() != 320 {
		t.Fatalf("got %v", small.Rect)
	}
	for _, p := range []image.Point{{0, 0}, {639, 319}, {100, 200}} {
		if c := small.RGBAAt(p.X, p.Y); c != (color.RGBA{100, 100, 100, 255}) {
			t.Errorf("%v: got %v, want the average", p, c)
		}
	}
	for _, size := range []image.Point{{10_000, 1}, {1, 10_000}, {641, 640}, {3, 3}} {
		if got := shrink(image.NewGray(image.Rectangle{Max: size}), 640).Rect; got.Dx() > 640 || got.Dy() > 640 || got.Dx() < 1 || got.Dy() < 1 {
			t.Errorf("%v: got %v", size, got)
		}
	}
}

func TestOrient(t *testing.T) {
	// The letters of a picture of 2 by 3, row by row, as each orientation shows it.
	stored := image.NewRGBA(image.Rect(0, 0, 2, 3))
	for i, c := range "abcdef" {
		stored.Pix[4*i] = byte(c)
	}
	for o, want := range map[int]string{
		1: "ab/cd/ef", 2: "ba/dc/fe", 3: "fe/dc/ba", 4: "ef/cd/ab", 5: "ace/bdf", 6: "eca/fdb", 7: "fdb/eca", 8: "bdf/ace", 0: "ab/cd/ef", 9: "ab/cd/ef",
	} {
		out := orient(stored, o)
		var rows []string
		for y := range out.Rect.Dy() {
			row := ""
			for x := range out.Rect.Dx() {
				row += string(rune(out.RGBAAt(x, y).R))
			}
			rows = append(rows, row)
		}
		if got := strings.Join(rows, "/"); got != want {
			t.Errorf("orientation %d: got %s, want %s", o, got, want)
		}
	}
}

func TestTypes(t *testing.T) {
	for want, head := range map[string]string{
		"text/html": "<!doctype html><script>", "image/svg+xml": `<svg xmlns="http://www.w3.org/2000/svg"/>`, "application/pdf": "%PDF-1.7",
		mimeGIF: "GIF89a", mimePNG: "\x89PNG\r\n\x1a\n", "application/zip": "PK\x03\x04", "text/plain": "hello",
	} {
		if got := sniff([]byte(head)); got != want {
			t.Errorf("%q: got %s, want %s", head, got, want)
		}
	}
	if got := sniff([]byte{0, 1, 2, 3, 255}); got != octets {
		t.Errorf("got %s, want %s", got, octets)
	}
}
