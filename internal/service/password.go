package service

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/parley-chat/parley/internal/chat"
)

// Argon2id at the floor that OWASP ASVS 5.0 (appendix C) sets: 19 MiB, two
// passes, one lane. A hash carries its own parameters (PHC string format), so
// they can be raised without a migration.
const (
	argonTime    = 2
	argonMemory  = 19 << 10 // KiB
	argonLanes   = 1
	argonKeyLen  = 32
	argonSaltLen = 16
	// hashWait is how long a log-in waits for its turn at most.
	hashWait = 1500 * time.Millisecond
)

const (
	// MinPassword and MaxPassword bound a password's length in characters.
	MinPassword = 8
	MaxPassword = 256
)

// hasher hashes and checks passwords, a few at a time: each takes 19 MiB and
// some 20 ms of a core, so log-ins in bulk must not starve everything else.
type hasher struct {
	slots   chan struct{}
	waiting atomic.Int64
	done    atomic.Int64 // how many were hashed, for metrics
	queue   int64
	wait    time.Duration // for a slot, at most
	rand    io.Reader
	// dummy is what the password of an unknown person is checked against, so
	// that the answer takes the same time.
	dummy string
}

func newHasher(slots, queue int, rand io.Reader) *hasher {
	h := &hasher{slots: make(chan struct{}, max(slots, 1)), queue: int64(queue), wait: hashWait, rand: rand}
	h.dummy = encodePHC(make([]byte, argonSaltLen), make([]byte, argonKeyLen))
	return h
}

// enter waits for a slot, for a bounded time in a bounded queue.
func (h *hasher) enter(ctx context.Context) error {
	select {
	case h.slots <- struct{}{}:
		return nil
	default:
	}
	if h.waiting.Add(1) > h.queue {
		h.waiting.Add(-1)
		return chat.ErrOverloaded
	}
	defer h.waiting.Add(-1)
	ctx, cancel := context.WithTimeout(ctx, h.wait)
	defer cancel()
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return chat.ErrOverloaded
	}
}

func (h *hasher) leave() {
	h.done.Add(1)
	<-h.slots
}

// hash gives the PHC string of a new password, or ErrOverloaded.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, argonSaltLen)
	if _, err := io.ReadFull(h.rand, salt); err != nil {
		return "", fmt.Errorf("read randomness: %w", err)
	}
	if err := h.enter(ctx); err != nil {
		return "", err
	}
	defer h.leave()
	return encodePHC(salt, argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonLanes, argonKeyLen)), nil
}

// check reports whether the password is the one of the PHC string; "" stands for
// an unknown person and takes as long. It gives ErrOverloaded when too many wait.
func (h *hasher) check(ctx context.Context, password, phc string) (bool, error) {
	known := phc != ""
	if !known {
		phc = h.dummy
	}
	p, err := parsePHC(phc)
	if err != nil {
		return false, err
	}
	if err := h.enter(ctx); err != nil {
		return false, err
	}
	defer h.leave()
	got := argon2.IDKey([]byte(password), p.salt, p.time, p.memory, p.lanes, uint32(len(p.key))) //nolint:gosec // parsePHC bounds it
	return subtle.ConstantTimeCompare(got, p.key) == 1 && known, nil
}

func encodePHC(salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes,
		b64.EncodeToString(salt), b64.EncodeToString(key))
}

type phcParts struct {
	time, memory uint32
	lanes        uint8
	salt, key    []byte
}

// parsePHC reads a hash and refuses parameters that would exhaust the machine.
func parsePHC(phc string) (*phcParts, error) {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return nil, errors.New("the stored hash is not argon2id")
	}
	var p phcParts
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.time, &p.lanes); err != nil {
		return nil, fmt.Errorf("read the stored hash: %w", err)
	}
	var err error
	if p.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return nil, fmt.Errorf("read the stored salt: %w", err)
	}
	if p.key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil {
		return nil, fmt.Errorf("read the stored key: %w", err)
	}
	if p.memory > 1<<20 || p.memory < 8 || p.time < 1 || p.time > 16 || p.lanes < 1 || p.lanes > 16 || len(p.key) < 16 || len(p.key) > 64 {
		return nil, errors.New("the stored hash has parameters out of range")
	}
	return &p, nil
}

// validPassword applies the rules for a new password: long enough, not on the
// list of the commonest, not the username. No rules of composition (NIST SP
// 800-63B section 3.1.1.2); spaces at its ends count.
func validPassword(field, password, username string) *chat.Error {
	switch n := utf8.RuneCountInString(password); {
	case !utf8.ValidString(password):
		return chat.Invalid(field, "is not UTF-8")
	case n < MinPassword:
		return chat.Invalid(field, "is shorter than 8 characters")
	case n > MaxPassword:
		return chat.Invalid(field, "is longer than 256 characters")
	case strings.EqualFold(password, username):
		return chat.Invalid(field, "is the same as the username")
	case commonPassword(password):
		return chat.Invalid(field, "is one of the most common passwords")
	}
	return nil
}
