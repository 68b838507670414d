package api

import (
	"bytes"
	"image"
	"image/jpeg"
	"strings"
	"testing"

	"github.com/parley-chat/parley/internal/service"
)

// avatar uploads a picture as a profile's.
func (p *person) avatar(path string, data []byte) *answer {
	p.w.t.Helper()
	body, kind := formOf(p.w.t, "file", "me.png", data)
	return p.do("PUT", path, body, "Content-Type", kind)
}

func TestUploadedAvatars(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: unlimited})
	ann, bob := w.person("ann"), w.person("bob")
	me := ann.avatar("/api/v1/me/avatar", pngOf(t, 1200, 700)).want(t, 200)
	url := me.str("avatar_url")
	if me.str("avatar_id") == "" || url == "" {
		t.Fatalf("got %s", me.Body)
	}
	// Whoever is logged in sees it: a square, encoded anew.
	got := bob.get(url).want(t, 200)
	config, format, err := image.DecodeConfig(bytes.NewReader(got.Body))
	if err != nil || config.Width != 512 || config.Height != 512 || got.Header.Get("Content-Type") != "image/"+format {
		t.Errorf("got %s of %dx%d, %s, %v, want a square of 512", format, config.Width, config.Height, got.Header.Get("Content-Type"), err)
	}
	w.do("GET", url, "", nil).problem(t, 401, "unauthenticated")
	if u := bob.get("/api/v1/users/"+ann.ID).want(t, 200); u.str("avatar_id") != me.str("avatar_id") {
		t.Errorf("got %s", u.Body)
	}
	conv := ann.group("g", bob)
	entry := ann.avatar(conv+"/avatar", pngOf(t, 40, 90)).want(t, 200)
	if entry.str("kind") != "updated" || entry.str("avatar_id") == "" || entry.str("title") != "g" {
		t.Errorf("got %s", entry.Body)
	}
	if v := bob.get(conv).want(t, 200); v.str("avatar_id") != entry.str("avatar_id") {
		t.Errorf("got %s", v.Body)
	}
	if gone := ann.do("PATCH", "/api/v1/me", map[string]any{"avatar_id": nil}).want(t, 200); gone.get("avatar_id") != nil {
		t.Errorf("got %s", gone.Body)
	}
}

// U1, U5, U7: what a picture is, its bytes say; nothing else of the upload is kept.
func TestAvatarsHostile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{limits: unlimited})
	ann := w.person("ann")
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, picture(30, 30), nil); err != nil {
		t.Fatal(err)
	}
	secret := append(append([]byte{0xff, 0xd8, 0xff, 0xfe, 0, 20}, "GPS 50.08N 14.42E!"...), photo.Bytes()[2:]...)
	me := ann.avatar("/api/v1/me/avatar", secret).want(t, 200)
	if got := ann.get(me.str("avatar_url")).want(t, 200); bytes.Contains(got.Body, []byte("GPS")) || len(got.Body) == 0 {
		t.Error("got the comment of the upload back")
	}
	for name, data := range map[string][]byte{
		"html": []byte("<!doctype html><script>alert(1)</script>"), "svg": []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`),
		"nothing": {}, "half a picture": pngOf(t, 300, 300)[:200], "the name of one": []byte("\x89PNG\r\n\x1a\n" + strings.Repeat("x", 100)),
		"text": []byte("hello"),
	} {
		if got := ann.avatar("/api/v1/me/avatar", data).problem(t, 422, "invalid"); got.get("fields") == nil {
			t.Errorf("%s: got %s, want the field named", name, got.Body)
		}
	}
	ann.avatar("/api/v1/me/avatar", bytes.Repeat([]byte("x"), service.MaxAvatarBytes+1)).problem(t, 413, "too_large")
	// 30,000 by 30,000 pixels in a few bytes: the header alone decides.
	bomb := pngOf(t, 4, 4)
	copy(bomb[16:24], []byte{0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30})
	if got := ann.avatar("/api/v1/me/avatar", bomb); got.Status != 413 && got.Status != 422 {
		t.Errorf("a bomb: got %d %s, want it refused", got.Status, got.Body)
	}
	ann.do("PUT", "/api/v1/me/avatar", map[string]any{"file": "x"}).problem(t, 415, "invalid")
	if now := ann.get("/api/v1/me").want(t, 200); now.str("avatar_id") != me.str("avatar_id") {
		t.Errorf("got %s, want the picture that was good", now.Body)
	}
}
