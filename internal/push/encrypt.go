package push

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

const (
	// recordSize is what RFC 8291 section 4 lets a push service take.
	recordSize = 4096
	saltSize   = 16
	headerSize = saltSize + 4 + 1 + 65
	// maxPayload is how much of a notification fits into its one record: the
	// delimiter and the tag take the rest.
	maxPayload = recordSize - headerSize - 1 - 16
)

// seal encrypts a notification for one browser as aes128gcm (RFC 8188) with the
// keys of RFC 8291 section 3.4. local is a key pair of this message alone.
func seal(plain []byte, remote [65]byte, auth [16]byte, local *ecdh.PrivateKey, salt [saltSize]byte) ([]byte, error) {
	if len(plain) > maxPayload {
		return nil, fmt.Errorf("encrypt: %d bytes are more than %d", len(plain), maxPayload)
	}
	browser, err := ecdh.P256().NewPublicKey(remote[:])
	if err != nil {
		return nil, fmt.Errorf("read the browser's key: %w", err)
	}
	secret, err := local.ECDH(browser)
	if err != nil {
		return nil, fmt.Errorf("agree on a secret: %w", err)
	}
	ours := local.PublicKey().Bytes()
	key, nonce, err := derive(secret, auth, salt, "WebPush: info\x00"+string(remote[:])+string(ours))
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	out := make([]byte, 0, headerSize+len(plain)+1+gcm.Overhead())
	out = append(out, salt[:]...)
	out = binary.BigEndian.AppendUint32(out, recordSize)
	out = append(out, byte(len(ours))) //nolint:gosec // 65, as RFC 8291 section 4 has it
	out = append(out, ours...)
	last := append(append(make([]byte, 0, len(plain)+1), plain...), 2) // the delimiter of the last record
	return gcm.Seal(out, nonce, last, nil), nil
}

func derive(secret []byte, auth, salt [16]byte, info string) (key, nonce []byte, err error) {
	first, err := hkdf.Extract(sha256.New, secret, auth[:])
	if err != nil {
		return nil, nil, fmt.Errorf("derive keys: %w", err)
	}
	material, err := hkdf.Expand(sha256.New, first, info, 32)
	if err != nil {
		return nil, nil, fmt.Errorf("derive keys: %w", err)
	}
	second, err := hkdf.Extract(sha256.New, material, salt[:])
	if err != nil {
		return nil, nil, fmt.Errorf("derive keys: %w", err)
	}
	if key, err = hkdf.Expand(sha256.New, second, "Content-Encoding: aes128gcm\x00", 16); err == nil {
		nonce, err = hkdf.Expand(sha256.New, second, "Content-Encoding: nonce\x00", 12)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("derive keys: %w", err)
	}
	return key, nonce, nil
}
