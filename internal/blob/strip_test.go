package blob

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"
)

const secret = "GPS-52.5200N"

func strip(mime string, data []byte) ([]byte, traits, error) {
	var out bytes.Buffer
	found, err := stripMetadata(mime, &out, bufio.NewReader(bytes.NewReader(data)))
	return out.Bytes(), found, err
}

func drawn(w, h int) *image.Paletted {
	img := image.NewPaletted(image.Rect(0, 0, w, h), color.Palette{color.Black, color.White, color.RGBA{200, 10, 10, 255}})
	for i := range img.Pix {
		img.Pix[i] = uint8(i % 3)
	}
	return img
}

func pngFile(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, drawn(40, 30)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gifFile(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &gif.GIF{Image: []*image.Paletted{drawn(20, 10), drawn(20, 10)}, Delay: []int{7, 9}, LoopCount: 3}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpegFile(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, drawn(40, 30), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pngChunk(kind, body string) string {
	sum := crc32.ChecksumIEEE([]byte(kind + body))
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(body)))) + kind + body + string(binary.BigEndian.AppendUint32(nil, sum))
}

// webpFile is a picture of one pixel in the extended form, with metadata.
func webpFile(t testing.TB) []byte {
	t.Helper()
	simple, err := base64.StdEncoding.DecodeString("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
	if err != nil {
		t.Fatal(err)
	}
	pixels := simple[12:]
	body := "WEBP" + riffChunk("VP8X", "\x0c\x00\x00\x00\x00\x00\x00\x00\x00\x00") + string(pixels) + riffChunk("EXIF", secret+"x") + riffChunk("XMP ", "<x>"+secret+"</x>")
	return []byte(riffChunk("RIFF", body) + "after the end " + secret)
}

func riffChunk(kind, body string) string {
	out := kind + string(binary.LittleEndian.AppendUint32(nil, uint32(len(body)))) + body
	if len(body)%2 == 1 {
		out += "\x00"
	}
	return out
}

func TestMetadataIsLeftOut(t *testing.T) {
	plainPNG, plainGIF := string(pngFile(t)), string(gifFile(t))
	const afterHeader = 8 + 25 // signature and IHDR
	withPNG := plainPNG[:afterHeader] + pngChunk("tEXt", "Comment\x00"+secret) + pngChunk("eXIf", "MM\x00*"+secret) + pngChunk("iTXt", "XML:com.adobe.xmp\x00\x00\x00\x00\x00"+secret) +
		pngChunk("gAMA", "\x00\x00\xb1\x8f") + plainPNG[afterHeader:] + secret
	withGIF := plainGIF[:len(plainGIF)-1] + "\x21\xfe" + string(rune(len(secret))) + secret + "\x00" + "\x21\xff\x0bXMP DataXMP" + string(rune(len(secret))) + secret + "\x00" + ";" + secret
	for _, c := range []struct{ mime, data string }{
		{mimePNG, withPNG}, {mimeGIF, withGIF}, {mimeWebP, string(webpFile(t))},
	} {
		out, _, err := strip(c.mime, []byte(c.data))
		if err != nil {
			t.Errorf("%s: %v", c.mime, err)
			continue
		}
		if bytes.Contains(out, []byte(secret)) {
			t.Errorf("%s: the place is still in it", c.mime)
		}
		want, err := decodePicture(c.mime, strings.NewReader(c.data))
		if err != nil {
			t.Fatal(c.mime, err)
		}
		got, err := decodePicture(c.mime, bytes.NewReader(out))
		if err != nil {
			t.Errorf("%s: got %v, want it to be read as before", c.mime, err)
			continue
		}
		for y := range want.Bounds().Dy() {
			for x := range want.Bounds().Dx() {
				if got.At(x, y) != want.At(x, y) {
					t.Fatalf("%s: pixel %d,%d differs", c.mime, x, y)
				}
			}
		}
	}
}

func TestAnimationIsKept(t *testing.T) {
	out, _, err := strip(mimeGIF, gifFile(t))
	if err != nil {
		t.Fatal(err)
	}
	got, err := gif.DecodeAll(bytes.NewReader(out))
	if err != nil || len(got.Image) != 2 || got.LoopCount != 3 || got.Delay[1] != 9 {
		t.Errorf("got %+v, %v, want both pictures, their times and how often", got, err)
	}
}

func TestJPEGSegments(t *testing.T) {
	plain := string(jpegFile(t))
	icc := "\xff\xe2\x00\x14ICC_PROFILE\x00\x01\x01prof"
	mpf := "\xff\xe2\x00\x0aMPF\x00abcd"
	out, found, err := strip(mimeJPEG, []byte(plain[:2]+icc+mpf+"\xff\xfe\x00\x0e"+secret+plain[2:]+secret))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(out, []byte("ICC_PROFILE")) || bytes.Contains(out, []byte("MPF")) || bytes.Contains(out, []byte(secret)) || found.orientation != 0 {
		t.Errorf("got %q %+v, want the colours and nothing else", out[:60], found)
	}
	cut := plain[:len(plain)-20]
	out, _, err = strip(mimeJPEG, []byte(cut))
	if err != nil || string(out) != cut {
		t.Errorf("got %d bytes, %v, want a picture that is cut off as it is", len(out), err)
	}
}

func TestOrientationIsKeptAlone(t *testing.T) {
	plain := string(jpegFile(t))
	for o := range 10 {
		for _, order := range []binary.AppendByteOrder{binary.BigEndian, binary.LittleEndian} {
			tiff := "MM\x00*"
			if order == binary.AppendByteOrder(binary.LittleEndian) {
				tiff = "II*\x00"
			}
			b := order.AppendUint32([]byte(tiff), 8)
			b = order.AppendUint16(b, 1)
			b = order.AppendUint16(b, 274)
			b = order.AppendUint16(b, 3)
			b = order.AppendUint32(b, 1)
			b = order.AppendUint16(b, uint16(o))
			b = append(b, 0, 0, 0, 0, 0, 0)
			app1 := "\xff\xe1" + string(binary.BigEndian.AppendUint16(nil, uint16(len(exifName)+len(b)+len(secret)+2))) + exifName + string(b) + secret
			out, found, err := strip(mimeJPEG, []byte(plain[:2]+app1+plain[2:]))
			if err != nil {
				t.Fatal(err)
			}
			want := o
			if o < 2 || o > 8 {
				want = 0
			}
			if found.orientation != want || bytes.Contains(out, []byte(secret)) || bytes.Contains(out, []byte("Exif")) != (want != 0) {
				t.Errorf("orientation %d: got %+v", o, found)
			}
			if want != 0 {
				if again, foundAgain, err := strip(mimeJPEG, out); err != nil || !bytes.Equal(again, out) || foundAgain.orientation != want {
					t.Errorf("orientation %d: a second pass changes it: %v", o, err)
				}
			}
		}
	}
}

func TestNotPictures(t *testing.T) {
	for name, c := range map[string]struct{ mime, data string }{
		"empty": {mimeJPEG, ""}, "JPEG of text": {mimeJPEG, "\xff\xd8\xff\xe0<script>"}, "PNG of text": {mimePNG, "\x89PNG\r\n\x1a\n<script>"},
		"PNG with a huge chunk": {mimePNG, "\x89PNG\r\n\x1a\n\xff\xff\xff\xffIDAT"}, "GIF of text": {mimeGIF, "GIF89a/*<script>alert(1)</script>*/=1;"},
		"WebP without end": {mimeWebP, "RIFF\xff\xff\xff\x7fWEBPVP8L\x10\x00\x00\x00"}, "WebP chunk past the end": {mimeWebP, "RIFF\x10\x00\x00\x00WEBPVP8L\xff\xff\x00\x00"},
		"standing marker": {mimeJPEG, "\xff\xd8\xff\xd0"}, "short segment": {mimeJPEG, "\xff\xd8\xff\xe0\x00\x01"}, "no type": {"text/html", "<html>"},
	} {
		if _, _, err := strip(c.mime, []byte(c.data)); !errors.Is(err, errNotPicture) {
			t.Errorf("%s: got %v, want errNotPicture", name, err)
		}
	}
}

// Many scans of a JPEG cost no memory each.
func TestManyScans(t *testing.T) {
	data := "\xff\xd8" + strings.Repeat("\xff\xda\x00\x02x", 100_000) + "\xff\xd9"
	out, _, err := strip(mimeJPEG, []byte(data))
	if err != nil || len(out) != len(data) {
		t.Errorf("got %d bytes of %d, %v", len(out), len(data), err)
	}
}

func FuzzStripMetadata(f *testing.F) {
	for _, seed := range [][]byte{jpegFile(f), pngFile(f), gifFile(f), webpFile(f)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, mime := range []string{mimeJPEG, mimePNG, mimeGIF, mimeWebP} {
			out, _, err := strip(mime, data)
			if err != nil {
				continue
			}
			if len(out) > len(data)+64 {
				t.Fatalf("%s: %d bytes became %d", mime, len(data), len(out))
			}
			before, berr := decodeConfig(mime, bytes.NewReader(data))
			after, aerr := decodeConfig(mime, bytes.NewReader(out))
			if berr == nil && (aerr != nil || before.Width != after.Width || before.Height != after.Height) {
				t.Fatalf("%s: %dx%d became %dx%d, %v", mime, before.Width, before.Height, after.Width, after.Height, aerr)
			}
			if again, _, err := strip(mime, out); err != nil || !bytes.Equal(again, out) {
				t.Fatalf("%s: a second pass changes it again: %v", mime, err)
			}
		}
	})
}
