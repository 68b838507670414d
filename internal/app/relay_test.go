package app

import (
	"bytes"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/config"
)

// The relay of calls answers, is counted, and ends with the node.
func TestTheRelayServesBesideTheRest(t *testing.T) {
	s := start(t, t.TempDir(), "--metrics-addr", "127.0.0.1:0", "--turn-addr", "127.0.0.1:0", "--ice-servers", "stun:192.0.2.1:3478")
	conn, err := net.Dial("udp", s.app.relay.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	// A binding request (RFC 8489 section 5) and its answer.
	id := []byte("twelve bytes")
	if _, err := conn.Write(slices.Concat([]byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}, id)); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 1500)
	n, err := conn.Read(answer)
	if err != nil || n < 20 || !bytes.Equal(answer[:2], []byte{1, 1}) || !bytes.Equal(answer[8:20], id) {
		t.Errorf("got % x, %v, want where the request came from", answer[:n], err)
	}
	if data := s.metrics(); !strings.Contains(data, "parley_turn_relays 0\n") || !strings.Contains(data, "parley_turn_over_quota_total 0\n") {
		t.Error("the metrics do not hold those of the relay")
	}
	ice := s.app.ice.ICE(chat.UserID{1}, time.Now())
	if len(ice.Servers) != 2 || len(ice.Servers[0].URLs) != 2 || !strings.HasPrefix(ice.Servers[1].URLs[0], "turn:127.0.0.1:") || ice.Servers[1].Credential == "" {
		t.Errorf("got %+v, want the relay and the server of the setting", ice)
	}
	s.stop()
	if c, err := net.Dial("tcp", s.app.relay.Addr().String()); err == nil {
		_ = c.Close()
		t.Error("the relay still listens after the stop")
	}
}

func TestCallsWithoutARelay(t *testing.T) {
	s := start(t, t.TempDir())
	if ice := s.app.ice.ICE(chat.UserID{1}, time.Now()); s.app.relay != nil || ice.Servers == nil || len(ice.Servers) != 0 {
		t.Errorf("got %+v, want a list without servers", ice)
	}
}

func TestTheSecretOfRelays(t *testing.T) {
	node := []byte(strings.Repeat("n", 32))
	own := relaySecret(&config.Config{}, node)
	if len(own) < 32 || bytes.Contains(own, node) || !bytes.Equal(own, relaySecret(&config.Config{}, node)) || bytes.Equal(own, relaySecret(&config.Config{}, own)) {
		t.Errorf("got a secret of %d bytes, want one that is made of the node's", len(own))
	}
	if got := relaySecret(&config.Config{TurnSecret: "shared"}, node); string(got) != "shared" {
		t.Error("the setting does not count")
	}
}

func TestDoctorTellsOfCalls(t *testing.T) {
	secret := strings.Repeat("hunter22", 4)
	for want, args := range map[string][]string{
		"only in one network":            nil,
		"2 STUN and TURN servers":        {"--ice-servers", "stun:a:1,turn:b:2", "--turn-secret", secret},
		"clients reach at 198.51.100.7":  {"--turn-addr", ":3478", "--turn-public-ip", "198.51.100.7"},
		"with the UDP ports 50000-50010": {"--turn-addr", "192.0.2.1:3478", "--turn-ports", "50000-50010", "--turn-secret", secret},
	} {
		_, stdout, _ := cli(t, "", append([]string{"doctor", "--data-dir", t.TempDir()}, args...)...)
		if !strings.Contains(stdout, "ok    calls") || !strings.Contains(stdout, want) || strings.Contains(stdout, "hunter22") {
			t.Errorf("%q: got %q, want it to say %q", args, stdout, want)
		}
	}
}
