package kafka

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestParseURL(t *testing.T) {
	cfg, err := ParseURL("kafka://a:1,b,[::1]:3,[::2]/my.topic?partitions=6&replicas=2&retention=48h&session=2s&flush=true")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(cfg.Brokers, " "), "a:1 b:9092 [::1]:3 [::2]:9092"; got != want {
		t.Errorf("brokers: got %s, want %s", got, want)
	}
	if cfg.Topic != "my.topic" || cfg.Partitions != 6 || cfg.Replicas != 2 || !cfg.Flush || cfg.Retention != 48*time.Hour || cfg.Session != 2*time.Second {
		t.Errorf("got %+v", cfg)
	}
	if cfg.tls != nil || cfg.sasl != nil {
		t.Error("got TLS or SASL, want neither")
	}
}

func TestParseURLDefaults(t *testing.T) {
	cfg, err := ParseURL("kafka://broker")
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Topic != "parley.commands" || cfg.Partitions != 0 || cfg.Replicas != 0 || cfg.Retention != 7*24*time.Hour || cfg.Session != 6*time.Second {
		t.Errorf("got %+v", cfg)
	}
	if dead, entries := cfg.sibling("dead"), cfg.sibling("entries"); dead != "parley.dead" || entries != "parley.entries" {
		t.Errorf("got %s and %s, want parley.dead and parley.entries", dead, entries)
	}
	if cfg, err = ParseURL("kafka://broker/chat?retention=forever"); err != nil || cfg.Retention != 0 || cfg.sibling("dead") != "chat.dead" {
		t.Errorf("got %+v, %v", cfg, err)
	}
}

func TestParseURLSecurity(t *testing.T) {
	dir := t.TempDir()
	ca, certFile, keyFile := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	authority := newAuthority(t)
	authority.write(t, ca, certFile, keyFile)
	cfg, err := ParseURL("kafka://us%40er:p%2Fa%3As@a:1,b:2?tls=true&ca=" + ca + "&cert=" + certFile + "&key=" + keyFile + "&sasl=plain")
	if err != nil {
		t.Fatal(err)
	}
	if cfg.sasl == nil || cfg.tls == nil || cfg.tls.MinVersion != tls.VersionTLS12 || cfg.tls.RootCAs == nil || len(cfg.tls.Certificates) != 1 {
		t.Errorf("got %+v", cfg.tls)
	}
	for _, mechanism := range []string{"scram-sha-256", "scram-sha-512"} {
		if cfg, err := ParseURL("kafka://u:p@a?sasl=" + mechanism); err != nil || cfg.sasl == nil {
			t.Errorf("%s: got %+v, %v", mechanism, cfg, err)
		}
	}
}

func TestParseURLRefuses(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	const secret = "hunter2%zz"
	for _, text := range []string{
		"", "kafka:", "kafka://", "kafka:///topic", "redis://a", "http://a", "kafka://a,,b", "kafka://a:0", "kafka://a:99999", "kafka://a:b", "kafka://a:1:2",
		"kafka://" + strings.Repeat("a,", 100) + "a",
		"kafka://a/with space", "kafka://a/x/y", "kafka://a/..", "kafka://a/" + strings.Repeat("x", 201),
		"kafka://a?partitions=0", "kafka://a?partitions=1025", "kafka://a?partitions=x", "kafka://a?partitions=1&partitions=2",
		"kafka://a?replicas=0", "kafka://a?replicas=40000", "kafka://a?retention=1m", "kafka://a?retention=7d",
		"kafka://a?session=1ms", "kafka://a?flush=yes", "kafka://a?session=1h", "kafka://a?nosuch=1", "kafka://a?tls=false", "kafka://a?tls=", "kafka://a?ca=x", "kafka://a?cert=x", "kafka://a?key=x",
		"kafka://a?tls=true&ca=/no/such/file", "kafka://a?tls=true&ca=" + empty, "kafka://a?tls=true&cert=" + empty, "kafka://a?tls=true&key=" + empty,
		"kafka://a?sasl=plain", "kafka://u@a?sasl=plain&tls=true", "kafka://u:p@a", "kafka://u:p@a?sasl=plain", "kafka://u:p@a?sasl=gssapi", "kafka://:p@a?sasl=scram-sha-256", "kafka://a?%zz",
		"kafka://u:" + secret + "@a?sasl=scram-sha-256", "kafka://u:" + secret + "@a:b", "kafka://u:" + secret + "@a?nosuch=1",
	} {
		cfg, err := ParseURL(text)
		if err == nil {
			t.Errorf("%q: got %+v, want an error", text, cfg)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: the error tells the password: %v", text, err)
		}
	}
}
