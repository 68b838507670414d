package api

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/parley-chat/parley/internal/service"
)

func picture(width, height int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.SetNRGBA(x, y, color.NRGBA{uint8(x), uint8(y), uint8(x * y), 255})
		}
	}
	return img
}

func pngOf(t *testing.T, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, picture(width, height)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpegOf(t *testing.T, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, picture(width, height), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// U1: what a browser could run is never run.
func TestU1ActiveContentIsADownload(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: unlimited})
	ann := w.person("ann")
	for name, data := range map[string][]byte{
		"page.html":    []byte("<!doctype html><script>alert(1)</script>"),
		"image.svg":    []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`),
		"data.xml":     []byte(`<?xml version="1.0"?><x xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></x>`),
		"html.png":     []byte("<!doctype html><script>alert(1)</script>"),
		"gifhtml.gif":  []byte("GIF89a/*<script>alert(1)</script>*/=1;"),
		"pnghtml.png":  append([]byte("\x89PNG\r\n\x1a\n"), "<script>alert(1)</script>"...),
		"jpeghtml.jpg": append([]byte("\xff\xd8\xff\xe0"), "<script>alert(1)</script>"...),
		"script.js":    []byte("alert(1)"),
		"paper.pdf":    []byte("%PDF-1.7\n<script>"),
		"flash.swf":    []byte("FWS\x09...."),
	} {
		body, kind := formOf(t, "file", name, data)
		body = bytes.Replace(body, []byte("Content-Type: application/octet-stream"), []byte("Content-Type: image/png"), 1) // the client lies
		file := ann.do("POST", "/api/v1/files", body, "Content-Type", kind).want(t, 201)
		if strings.HasPrefix(file.str("mime"), "image/png") || file.get("width") != nil {
			t.Errorf("%s: got %s, want the type that the bytes have", name, file.Body)
		}
		got := ann.get(file.str("url")).want(t, 200)
		h := got.Header
		if !strings.HasPrefix(h.Get("Content-Disposition"), "attachment") || h.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.Contains(h.Get("Content-Security-Policy"), "sandbox") || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") ||
			h.Get("Content-Type") != "application/octet-stream" || h.Get("Cross-Origin-Resource-Policy") != "same-origin" {
			t.Errorf("%s: got %v, want a download that cannot run", name, h)
		}
		if !bytes.Equal(got.Body, data) {
			t.Errorf("%s: got other bytes back", name)
		}
	}
	file := ann.upload("real.png", pngOf(t, 10, 10)).want(t, 201)
	h := ann.get(file.str("url")).want(t, 200).Header
	if h.Get("Content-Type") != "image/png" || !strings.HasPrefix(h.Get("Content-Disposition"), "inline") || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("got %v, want a picture to be shown", h)
	}
}

// U2: names.
func TestU2Names(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: unlimited})
	ann := w.person("ann")
	for given, want := range map[string]string{
		"../../etc/passwd": "passwd", `..\..\boot.ini`: "boot.ini", "a\u202egpj.exe": "agpj.exe", "con": "con", "naïve ☃.txt": "naïve ☃.txt",
		strings.Repeat("n", 300) + ".txt": strings.Repeat("n", 251) + ".txt", "...": "file", " ": "file", "-rf": "-rf",
	} {
		body, kind := formOf(t, "file", given, []byte("x"))
		file := ann.do("POST", "/api/v1/files", body, "Content-Type", kind).want(t, 201)
		if file.str("name") != want {
			t.Errorf("%.20q: got %q, want %q", given, file.str("name"), want)
		}
		got := ann.get(file.str("url")).want(t, 200).Header.Get("Content-Disposition")
		if strings.ContainsAny(got, "\r\n\x00/\\") || !strings.Contains(got, "filename*=UTF-8''") {
			t.Errorf("%.20q: got %q", given, got)
		}
	}
	evil, kind := formOf(t, "file", "a\r\nSet-Cookie: x=1\r\n\r\n.txt", []byte("x"))
	got := ann.do("POST", "/api/v1/files", evil, "Content-Type", kind)
	if got.Status == 201 && ann.get(got.str("url")).Header.Get("Set-Cookie") != "" {
		t.Error("a name set a header")
	}
}

// U4: archives are kept as they are.
func TestU4ArchivesAreOpaque(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: unlimited})
	ann := w.person("ann")
	data := append([]byte("PK\x03\x04"), bytes.Repeat([]byte{0}, 1000)...)
	file := ann.upload("bomb.zip", data).want(t, 201)
	if got := ann.get(file.str("url")).want(t, 200); !bytes.Equal(got.Body, data) {
		t.Error("got other bytes back")
	}
}

// U5: sizes, lengths that lie, quotas, ranges.
func TestU5Sizes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: func(l *service.Limits) { l.FileBytes, l.QuotaBytes, l.SendsPerSecond = 100_000, 250_000, 0 }})
	ann := w.person("ann")
	exact := bytes.Repeat([]byte("x"), 100_000)
	file := ann.upload("exact", exact).want(t, 201)
	if file.num("size") != 100_000 {
		t.Errorf("got %s", file.Body)
	}
	ann.upload("over", append(exact, 'x')).problem(t, 413, "too_large")
	ann.upload("far over", bytes.Repeat(exact, 3)).problem(t, 413, "too_large")
	if got := ann.upload("nothing", nil).problem(t, 422, "invalid"); got.get("fields.file") == nil {
		t.Errorf("got %s, want the field named", got.Body)
	}
	ann.upload("second", exact).want(t, 201)
	if got := ann.upload("third", exact).problem(t, 413, "too_large"); got.str("reason") != "quota_exceeded" {
		t.Errorf("got %s, want quota_exceeded", got.Body)
	}
	body, kind := formOf(t, "file", "short", []byte("abc"))
	head := fmt.Sprintf("POST /api/v1/files HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\n", ann.Token, kind)
	for name, rest := range map[string]string{
		"cut":                fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body)-4, body[:len(body)-4]),
		"chunks over limit":  "Transfer-Encoding: chunked\r\n\r\n30d40\r\n" + string(bytes.Repeat(exact, 2)) + "\r\n0\r\n\r\n",
		"a length that lies": fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body)-8, body[:len(body)-8]),
	} {
		statuses, _ := w.raw(head + rest)
		if len(statuses) != 1 || statuses[0] != 400 && statuses[0] != 413 {
			t.Errorf("%s: got %v, want 400 or 413", name, statuses)
		}
	}
	wrong, kind := formOf(t, "other", "a", []byte("abc"))
	ann.do("POST", "/api/v1/files", wrong, "Content-Type", kind).problem(t, 422, "invalid")
	ann.do("POST", "/api/v1/files", `{"a":1}`).problem(t, 415, "invalid")

	for given, want := range map[string]struct {
		status int
		first  string
	}{
		"bytes=0-0": {206, "bytes 0-0/100000"}, "bytes=-5": {206, "bytes 99995-99999/100000"}, "bytes=99999-": {206, "bytes 99999-99999/100000"},
		"bytes=100000-": {416, "bytes */100000"}, "bytes=0-1,2-3": {416, "bytes */100000"},
		"bytes=" + strings.Repeat("0-0,", 1000) + "1-1": {416, "bytes */100000"},
	} {
		got := ann.do("GET", file.str("url"), nil, "Range", given)
		if got.Status != want.status || got.Header.Get("Content-Range") != want.first {
			t.Errorf("%.30s: got %d %q, want %d %q", given, got.Status, got.Header.Get("Content-Range"), want.status, want.first)
		}
		if want.status == 416 {
			got.problem(t, 416, "invalid")
		}
	}
	if got := ann.do("GET", file.str("url"), nil, "Range", "bytes=10-19"); len(got.Body) != 10 || got.Header.Get("Accept-Ranges") != "bytes" {
		t.Errorf("got %d bytes", len(got.Body))
	}
	if got := ann.do("HEAD", file.str("url"), nil).want(t, 200); got.Header.Get("Content-Length") != "100000" || len(got.Body) != 0 {
		t.Errorf("HEAD: got %v", got.Header)
	}
}

// U7: a photograph is served without the place where it was taken.
func TestU7MetadataIsTakenOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: unlimited})
	ann := w.person("ann")
	data := withExif(jpegOf(t, 800, 500), 6)
	file := ann.upload("photo.jpg", data).want(t, 201)
	if file.num("width") != 500 || file.num("height") != 800 || !file.is("thumb") || file.str("mime") != "image/jpeg" {
		t.Errorf("got %s, want the size as it is shown, and a thumbnail", file.Body)
	}
	original := ann.get(file.str("url")).want(t, 200)
	thumb := ann.get(file.str("url")+"?thumb=1").want(t, 200)
	for what, got := range map[string]*answer{"file": original, "thumbnail": thumb} {
		for _, secret := range []string{"GPS-52.5200", "SecretCam", "comment of the author", "after the end"} {
			if bytes.Contains(got.Body, []byte(secret)) {
				t.Errorf("%s: %q is still in it", what, secret)
			}
		}
		if got.Header.Get("Content-Type") != "image/jpeg" {
			t.Errorf("%s: got type %s", what, got.Header.Get("Content-Type"))
		}
	}
	img, err := jpeg.Decode(bytes.NewReader(thumb.Body))
	if err != nil || img.Bounds().Dx() != 400 || img.Bounds().Dy() != 640 {
		t.Errorf("got a thumbnail of %v, %v, want it upright and 640 high", img.Bounds(), err)
	}
	want, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	got, err := jpeg.Decode(bytes.NewReader(original.Body))
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		x, y := rand.IntN(800), rand.IntN(500)
		if got.At(x, y) != want.At(x, y) {
			t.Fatalf("pixel %d,%d: got %v, want %v: they must not be touched", x, y, got.At(x, y), want.At(x, y))
		}
	}
}

// withExif puts EXIF with a place and an orientation, a comment, and bytes after
// the end into a JPEG.
func withExif(data []byte, orientation uint16) []byte {
	var tiff bytes.Buffer
	tiff.WriteString("II*\x00\x08\x00\x00\x00")
	for _, v := range []any{
		uint16(2), uint16(0x10f), uint16(2), uint32(10), uint32(50), // the camera's maker, at offset 50
		uint16(274), uint16(3), uint32(1), orientation, uint16(0), uint32(0),
	} {
		if err := binary.Write(&tiff, binary.LittleEndian, v); err != nil {
			panic(err)
		}
	}
	tiff.WriteString("            SecretCam\x00GPS-52.5200")
	out := append([]byte{}, data[:2]...)
	out = append(out, segment(0xe1, "Exif\x00\x00"+tiff.String())...)
	out = append(out, segment(0xe1, "http://ns.adobe.com/xap/1.0/\x00<x>GPS-52.5200</x>")...)
	out = append(out, segment(0xed, "Photoshop 3.0\x00SecretCam")...)
	out = append(out, segment(0xfe, "comment of the author")...)
	return append(append(out, data[2:]...), "after the end GPS-52.5200"...)
}

func segment(marker byte, body string) []byte {
	n := len(body) + 2
	return append([]byte{0xff, marker, byte(n >> 8), byte(n)}, body...)
}

func TestAvatars(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: unlimited})
	ann, bob := w.person("ann"), w.person("bob")
	img := ann.upload("me.png", pngOf(t, 900, 900)).want(t, 201)
	text := ann.upload("me.txt", []byte("text")).want(t, 201)
	bob.get(img.str("url")).problem(t, 404, "not_found")
	me := ann.do("PATCH", "/api/v1/me", map[string]any{"avatar": img.str("id")}).want(t, 200)
	if me.str("avatar_id") != img.str("id") || me.str("avatar_url") != img.str("url")+"?thumb=1" {
		t.Errorf("got %s", me.Body)
	}
	bob.get(me.str("avatar_url")).want(t, 200)
	w.do("GET", me.str("avatar_url"), "", nil).problem(t, 401, "unauthenticated")
	ann.do("PATCH", "/api/v1/me", map[string]any{"avatar": text.str("id")}).problem(t, 422, "invalid")
	bob.do("PATCH", "/api/v1/me", map[string]any{"avatar_id": img.str("id")}).problem(t, 422, "invalid")
	ann.do("PATCH", "/api/v1/me", map[string]any{"avatar": 5}).problem(t, 400, "invalid")
	if me = ann.do("PATCH", "/api/v1/me", `{"avatar":null}`).want(t, 200); me.get("avatar_id") != nil {
		t.Errorf("got %s, want no picture", me.Body)
	}
	conv := ann.group("g", bob)
	ann.do("PATCH", conv, map[string]any{"avatar_id": img.str("id")}).want(t, 200)
	if got := bob.get(conv).want(t, 200); got.str("avatar_url") == "" {
		t.Errorf("got %s", got.Body)
	}
}
