package push

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

func unbase64(t testing.TB, text string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The example of RFC 8291 section 5 and appendix A.
func TestSealIsThatOfRFC8291(t *testing.T) {
	local, err := ecdh.P256().NewPrivateKey(unbase64(t, "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"))
	if err != nil {
		t.Fatal(err)
	}
	remote := [65]byte(unbase64(t, "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"))
	auth := [16]byte(unbase64(t, "BTBZMqHH6r4Tts7J_aSIgg"))
	salt := [16]byte(unbase64(t, "DGv6ra1nlYgDCS1FRnbzlw"))
	got, err := seal([]byte("When I grow up, I want to be a watermelon"), remote, auth, local, salt)
	if err != nil {
		t.Fatal(err)
	}
	want := "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT" +
		"pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
	if text := base64.RawURLEncoding.EncodeToString(got); text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	if _, err := seal(make([]byte, maxPayload+1), remote, auth, local, salt); err == nil {
		t.Error("got no error for a byte more than fits into the record")
	}
	if full, err := seal(make([]byte, maxPayload), remote, auth, local, salt); err != nil || len(full) != recordSize {
		t.Errorf("got %d bytes, %v, want a record of %d", len(full), err, recordSize)
	}
	if _, err := seal(nil, [65]byte{4, 1, 2}, auth, local, salt); err == nil {
		t.Error("got no error for a point that is not on the curve")
	}
}

// browser is the other end: it reads what seal wrote.
type browser struct {
	key  *ecdh.PrivateKey
	auth [16]byte
}

func newBrowser(t testing.TB) *browser {
	t.Helper()
	b := &browser{}
	var err error
	if b.key, err = ecdh.P256().GenerateKey(rand.Reader); err != nil {
		t.Fatal(err)
	}
	if _, err := rand.Read(b.auth[:]); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *browser) open(t testing.TB, body []byte) []byte {
	t.Helper()
	if len(body) < headerSize || binary.BigEndian.Uint32(body[16:]) != recordSize || body[20] != 65 {
		t.Fatalf("got a header of % x", body[:min(len(body), 21)])
	}
	sender, err := ecdh.P256().NewPublicKey(body[21:headerSize])
	if err != nil {
		t.Fatal(err)
	}
	secret, err := b.key.ECDH(sender)
	if err != nil {
		t.Fatal(err)
	}
	key, nonce, err := derive(secret, b.auth, [16]byte(body[:16]), "WebPush: info\x00"+string(b.key.PublicKey().Bytes())+string(body[21:headerSize]))
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := gcm.Open(nil, nonce, body[headerSize:], nil)
	if err != nil || plain[len(plain)-1] != 2 {
		t.Fatalf("open: %v", err)
	}
	return plain[:len(plain)-1]
}

// verify checks a token with a key, as a push service does.
func verify(t testing.TB, token, key string) map[string]any {
	t.Helper()
	raw := unbase64(t, key)
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), raw)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("got %d parts", len(parts))
	}
	signature := unbase64(t, parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if len(signature) != 64 || !ecdsa.Verify(public, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		t.Error("the signature does not hold")
	}
	var claims map[string]any
	if err := json.Unmarshal(unbase64(t, parts[1]), &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestTokensAreThoseOfRFC8292(t *testing.T) {
	// The example of section 2.4 shows that the test itself reads tokens rightly.
	verify(t, "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNo"+
		"QGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA",
		"BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs")

	raw, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := NewKeys(raw, "mailto:a@example.org")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_700_000_000, 0)
	header, err := keys.authorization("https://push.example.net", now)
	if err != nil {
		t.Fatal(err)
	}
	token, key, ok := strings.Cut(strings.TrimPrefix(header, "vapid t="), ", k=")
	if !ok || key != keys.Public() {
		t.Fatalf("got %s", header)
	}
	claims := verify(t, token, key)
	if claims["aud"] != "https://push.example.net" || claims["sub"] != "mailto:a@example.org" || claims["exp"] != float64(now.Add(tokenLife).Unix()) {
		t.Errorf("got %v", claims)
	}
	if again, err := keys.authorization("https://push.example.net", now.Add(time.Hour)); err != nil || again != header {
		t.Errorf("got another token within the hour, %v", err)
	}
	if later, err := keys.authorization("https://push.example.net", now.Add(tokenLife)); err != nil || later == header {
		t.Errorf("got the same token when it has ended, %v", err)
	}
	if same, err := NewKeys(raw, ""); err != nil || same.Public() != keys.Public() {
		t.Errorf("got another key from the same bytes, %v", err)
	}
	if _, err := NewKeys([]byte("not a key"), ""); err == nil {
		t.Error("got no error for what is no key")
	}
}

func TestEndpointsAreChecked(t *testing.T) {
	for endpoint, ok := range map[string]bool{
		"https://fcm.googleapis.com/fcm/send/x": true, "https://updates.push.services.mozilla.com:443/wpush/v2/y": true, "https://web.push.apple.com/z?a=b": true,
		"http://fcm.googleapis.com/x": false, "https://user:secret@example.org/": false, "ftp://example.org/": false, "https:///x": false, "": false,
		"example.org/x": false, "https://example.org:8443/": false, "https://example.org:22/": false, "https://127.0.0.1/": false, "https://[::1]/": false,
		"https://10.1.2.3/": false, "https://192.168.1.1/": false, "https://169.254.169.254/latest/meta-data/": false, "https://[fe80::1]/": false,
		"https://[::ffff:127.0.0.1]/": false, "https://[fd00::1]/": false, "https://100.64.0.1/": false, "https://0.0.0.0/": false, "https://8.8.8.8/": true,
		"https://example.org/#x": false, "javascript:alert(1)": false, "https://example.org/" + strings.Repeat("x", MaxEndpoint): false, "https://exa mple.org/": false,
	} {
		if err := CheckEndpoint(endpoint, false); (err == nil) != ok {
			t.Errorf("%.60s: got %v, want allowed %v", endpoint, err, ok)
		}
	}
	if err := CheckEndpoint("http://127.0.0.1:8080/x", true); err != nil {
		t.Errorf("a private one where that is allowed: %v", err)
	}
}

func TestOnlyPublicAddressesAreDialled(t *testing.T) {
	for address, ok := range map[string]bool{
		"93.184.215.14:443": true, "[2606:2800:21f:cb07:6820:80da:af6b:8b2c]:443": true, "93.184.215.14:80": false, "127.0.0.1:443": false, "[::1]:443": false,
		"10.0.0.1:443": false, "172.16.0.1:443": false, "192.168.0.1:443": false, "169.254.169.254:443": false, "100.127.255.255:443": false, "0.0.0.0:443": false,
		"224.0.0.1:443": false, "255.255.255.255:443": false, "198.18.0.1:443": false, "203.0.113.5:443": false, "240.0.0.1:443": false,
		"[::ffff:10.0.0.1]:443": false, "[::ffff:93.184.215.14]:443": true, "[fc00::1]:443": false, "[fe80::1%eth0]:443": false, "[ff02::1]:443": false,
		"[64:ff9b::7f00:1]:443": false, "[2002:7f00:1::]:443": false, "[2001:db8::1]:443": false, "[2001:0:1::1]:443": false, "[::]:443": false,
	} {
		if err := dialControl("tcp", address, nil); (err == nil) != ok {
			t.Errorf("%s: got %v, want allowed %v", address, err, ok)
		}
	}
	if public(netip.Addr{}) {
		t.Error("got no address taken for a public one")
	}
}

// service is a push service that answers as it is told.
type service struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	header http.Header
	got    []*http.Request
	bodies [][]byte
}

func newService(t testing.TB) *service {
	s := &service{status: http.StatusCreated, header: http.Header{}}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.got, s.bodies = append(s.got, r), append(s.bodies, body)
		for name := range s.header {
			w.Header().Set(name, s.header.Get(name))
		}
		w.WriteHeader(s.status)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *service) answers(status int, header ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.header = status, http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		s.header.Set(header[i], header[i+1])
	}
}

func (s *service) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.got)
}

func (s *service) sender(t testing.TB, private bool) *Sender {
	t.Helper()
	raw, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := NewKeys(raw, "https://chat.example.org")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	out := NewSender(SenderOptions{Keys: keys, Now: time.Now, Private: private, TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}})
	t.Cleanup(out.Close)
	return out
}

func (s *service) subscription(b *browser) *chat.PushSubscription {
	return &chat.PushSubscription{Endpoint: s.URL + "/send/1", Key: [65]byte(b.key.PublicKey().Bytes()), Auth: b.auth}
}

func TestSendIsReadByTheBrowser(t *testing.T) {
	s, b := newService(t), newBrowser(t)
	sender := s.sender(t, true)
	o := sender.send(t.Context(), s.subscription(b), notification{payload: []byte(`{"v":1}`), topic: "abc", urgent: true, keep: keepSeconds})
	if o.verdict != chat.PushSent || o.failure != "" {
		t.Fatalf("got %+v", o)
	}
	r := s.got[0]
	if plain := b.open(t, s.bodies[0]); string(plain) != `{"v":1}` {
		t.Errorf("got %s", plain)
	}
	for name, want := range map[string]string{
		"Content-Encoding": "aes128gcm", "Ttl": "86400", "Topic": "abc", "Urgency": "high", "Content-Type": "application/octet-stream",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	token, key, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Authorization"), "vapid t="), ", k=")
	if claims := verify(t, token, key); claims["aud"] != s.URL {
		t.Errorf("got %v, want it for %s", claims, s.URL)
	}
	o = sender.send(t.Context(), s.subscription(b), notification{payload: []byte(`{"v":1}`)})
	if o.verdict != chat.PushSent || bytes.Equal(s.bodies[0], s.bodies[1]) {
		t.Error("got the same bytes twice, want a key and a salt of each message's own")
	}
}

func TestAnswersOfPushServices(t *testing.T) {
	s, b := newService(t), newBrowser(t)
	sender := s.sender(t, true)
	for _, c := range []struct {
		status int
		header []string
		want   chat.PushVerdict
		after  time.Duration
	}{
		{200, nil, chat.PushSent, 0},
		{201, nil, chat.PushSent, 0},
		{202, nil, chat.PushSent, 0},
		{404, nil, chat.PushGone, 0},
		{410, nil, chat.PushGone, 0},
		{400, nil, chat.PushFailed, 0},
		{401, nil, chat.PushFailed, 0},
		{403, nil, chat.PushFailed, 0},
		{413, nil, chat.PushFailed, 0},
		{429, []string{"Retry-After", "120"}, chat.PushRetry, 2 * time.Minute},
		{429, []string{"Retry-After", "999999999"}, chat.PushRetry, time.Hour},
		{429, []string{"Retry-After", "-5"}, chat.PushRetry, 0},
		{503, []string{"Retry-After", "soon"}, chat.PushRetry, 0},
		{500, nil, chat.PushRetry, 0},
		{302, []string{"Location", "https://127.0.0.1:1/"}, chat.PushFailed, 0}, // not followed
	} {
		s.answers(c.status, c.header...)
		o := sender.send(t.Context(), s.subscription(b), notification{payload: []byte("x")})
		if o.verdict != c.want || o.after != c.after {
			t.Errorf("%d %v: got %+v, want %s after %v", c.status, c.header, o, c.want, c.after)
		}
		if bad := o.verdict == chat.PushFailed || o.verdict == chat.PushRetry; bad != (o.failure != "") {
			t.Errorf("%d: got failure %q", c.status, o.failure)
		}
	}
	if n := s.count(); n != 15 {
		t.Errorf("got %d requests, want 15: no redirect is followed", n)
	}
	s.Close()
	if o := sender.send(t.Context(), s.subscription(b), notification{payload: []byte("x")}); o.verdict != chat.PushRetry {
		t.Errorf("nobody there: got %+v, want a retry", o)
	}
}

// A subscription leads nowhere but to the public Internet: not by its address, and
// not by a name that resolves to another one.
func TestPrivateNetworksAreNotReached(t *testing.T) {
	s, b := newService(t), newBrowser(t)
	sender := s.sender(t, false)
	for _, endpoint := range []string{s.URL, "https://127.0.0.1/x", "https://localhost/x"} {
		sub := s.subscription(b)
		sub.Endpoint = endpoint
		o := sender.send(t.Context(), sub, notification{payload: []byte("x")})
		if o.verdict != chat.PushFailed || !strings.Contains(o.failure, "not allowed") {
			t.Errorf("%s: got %+v, want it refused for good", endpoint, o)
		}
	}
	if n := s.count(); n != 0 {
		t.Errorf("got %d requests, want none", n)
	}
}

// A push service that answers without end takes neither memory nor the worker.
func TestEndlessAnswers(t *testing.T) {
	var sent atomic.Int64
	web := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
		for range 1_000 {
			n, err := w.Write(make([]byte, 64<<10))
			if sent.Add(int64(n)); err != nil {
				return
			}
		}
	}))
	defer web.Close()
	s, b := &service{Server: web}, newBrowser(t)
	if o := s.sender(t, true).send(t.Context(), s.subscription(b), notification{payload: []byte("x")}); o.verdict != chat.PushSent {
		t.Errorf("got %+v", o)
	}
	if n := sent.Load(); n > 60<<20 {
		t.Errorf("got %d bytes read of it", n)
	}
}
