package redis

import (
	"context"
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestParseURL(t *testing.T) {
	cfg, err := ParseURL("redis://us%40er:p%2Fw%3A%2C@a:1,b,[::1]:3?prefix=chat")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(cfg.Hosts, " "), "a:1 b:6379 [::1]:3"; got != want {
		t.Errorf("got hosts %s, want %s", got, want)
	}
	if cfg.username != "us@er" || cfg.password != "p/w:," || cfg.Prefix != "chat" || cfg.tls != nil || cfg.DB != 0 {
		t.Errorf("got %+v", cfg)
	}
	if cfg, err = ParseURL("rediss://:secret@host/3"); err != nil {
		t.Fatal(err)
	}
	if cfg.username != "" || cfg.password != "secret" || cfg.DB != 3 || cfg.tls == nil || cfg.tls.MinVersion != tls.VersionTLS12 || cfg.Prefix != "parley" {
		t.Errorf("got %+v", cfg)
	}
}

func TestParseURLRefuses(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"", "redis", "redis:", "redis://", "redis:///1", "kafka://a", "http://a", "redis://a,,b", "redis://a:0", "redis://a:70000", "redis://a:b", "redis://a:1:2",
		"redis://" + strings.Repeat("a,", 100) + "a", "redis://a/x", "redis://a/-1", "redis://a,b/1", "redis://a?nosuch=1", "redis://a?prefix=", "redis://a?prefix={x}",
		"redis://a?prefix=" + strings.Repeat("x", 65), "redis://a?prefix=x&prefix=y", "redis://a?ca=x", "rediss://a?ca=/no/such/file", "rediss://a?ca=" + empty, "redis://a?%zz",
		"redis://u:hunter2%zz@a", "redis://u:hunter2@a:b", "redis://u:hunter2@a?nosuch=1", "redis://u:hunter2@a/x",
	} {
		cfg, err := ParseURL(text)
		if err == nil {
			t.Errorf("%q: got %+v, want an error", text, cfg)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: the error tells the password: %v", text, err)
		}
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	for name, url := range map[string]string{"nobody there": "redis://:hunter2@127.0.0.1:1", "no such host": "redis://:hunter2@host.invalid"} {
		cfg, err := ParseURL(url)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		c, err := Open(ctx, cfg)
		cancel()
		if err == nil {
			c.Close()
			t.Errorf("%s: got a client, want an error", name)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error tells the password: %v", name, err)
		}
	}
}
