package app

import (
	"bytes"
	"strings"
	"testing"

	"github.com/parley-chat/parley/internal/config"
)

func TestPartsThatAreReachedInTheClear(t *testing.T) {
	for _, c := range []struct{ store, log, bus, want string }{
		{"sqlite", "memory", "memory", ""},
		{"postgres://p:s@127.0.0.1:5432/parley?sslmode=disable", "kafka://127.0.0.1:9092,localhost/t", "redis://[::1]:6379", ""},
		{"postgres:///parley?host=/run/postgresql", "memory", "memory", ""},
		{"postgres://p:s@db/parley", "kafka://k1:9092,k2:9092", "redis://:s@r:6379", "store log bus"},
		{"postgres://p:s@db/parley?sslmode=prefer", "kafka://127.0.0.1,k2:9092/t?session=1s", "redis://127.0.0.1,10.0.0.9:6379", "store log bus"},
		{"postgres:///parley?host=db", "memory", "memory", "store"},
		{"postgresql://p:s@a,b/parley?sslmode=verify-full&sslrootcert=/ca.pem", "kafka://u:p@k1/t?tls=true&sasl=plain", "rediss://r:6379", ""},
	} {
		cfg := &config.Config{Store: c.store, Log: c.log, Bus: c.bus}
		if got := strings.Join(inTheClear(cfg), " "); got != c.want {
			t.Errorf("%s %s %s: got %q, want %q", c.store, c.log, c.bus, got, c.want)
		}
	}
	cfg := &config.Config{Store: "postgres://p:secret@db/parley", Log: "kafka://k1", Bus: "redis://r"}
	if got := shape(cfg); !strings.Contains(got, "store, log, bus") || !strings.Contains(got, "without TLS") {
		t.Errorf("doctor says %q", got)
	}
	var log bytes.Buffer
	warnOfPlainParts(cfg, NewLogger(&config.Config{LogLevel: "info", LogFormat: "json"}, &log))
	if text := log.String(); !strings.Contains(text, "without TLS") || !strings.Contains(text, "WARN") || strings.Contains(text, "secret") {
		t.Errorf("got %q", text)
	}
}
