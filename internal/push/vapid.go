package push

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

const (
	// tokenLife is how long a token holds; RFC 8292 section 2 allows a day.
	tokenLife = 12 * time.Hour
	// maxTokens bounds the push services whose token is remembered.
	maxTokens = 100
)

// Keys prove to push services that notifications are ours (RFC 8292). Safe for concurrent use.
type Keys struct {
	private *ecdsa.PrivateKey
	public  string // base64url, uncompressed
	subject string

	mu     sync.Mutex
	tokens map[string]token // by the origin of the push service
}

type token struct {
	text string
	from time.Time
}

// NewKey makes a private key, to be kept: browsers know the server by it.
func NewKey() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	raw, err := key.Bytes()
	if err != nil {
		return nil, fmt.Errorf("write key: %w", err)
	}
	return raw, nil
}

// NewKeys reads a private key that NewKey made. subject is how the push service
// can reach who runs this server: a mailto: or https: address.
func NewKeys(raw []byte, subject string) (*Keys, error) {
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw)
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	public, err := private.PublicKey.Bytes()
	if err != nil {
		return nil, fmt.Errorf("read key: %w", err)
	}
	return &Keys{
		private: private, public: base64.RawURLEncoding.EncodeToString(public), subject: subject, tokens: make(map[string]token),
	}, nil
}

// Public is the key that browsers are given as applicationServerKey, in base64url.
func (k *Keys) Public() string { return k.public }

// authorization gives the header for a push service.
func (k *Keys) authorization(origin string, now time.Time) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if t, ok := k.tokens[origin]; ok && now.Sub(t.from) < tokenLife/2 && !now.Before(t.from) {
		return "vapid t=" + t.text + ", k=" + k.public, nil
	}
	text, err := k.sign(origin, now.Add(tokenLife))
	if err != nil {
		return "", err
	}
	if len(k.tokens) >= maxTokens {
		clear(k.tokens)
	}
	k.tokens[origin] = token{text, now}
	return "vapid t=" + text + ", k=" + k.public, nil
}

// sign makes a token (RFC 7519) signed with ES256 (RFC 7518 section 3.4).
func (k *Keys) sign(audience string, expires time.Time) (string, error) {
	claims, err := json.Marshal(map[string]any{"aud": audience, "exp": expires.Unix(), "sub": k.subject})
	if err != nil {
		return "", fmt.Errorf("write claims: %w", err)
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"typ":"JWT","alg":"ES256"}`)) + "." + base64.RawURLEncoding.EncodeToString(claims)
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, k.private, sum[:])
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	var signature [64]byte
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return text + "." + base64.RawURLEncoding.EncodeToString(signature[:]), nil
}
