package config

import (
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaults(t *testing.T) {
	c, rest, err := Load(Source{Args: []string{"left", "over"}, Environ: []string{"HOME=/x", "PARLEY_PORT=tcp://10.0.0.1:80", "PARLEY_SERVICE_HOST=10.0.0.1", "PARLEY_TEST_REDIS=redis://x"}})
	if err != nil {
		t.Fatal(err)
	}
	if c.Addr != ":3000" || c.Store != "sqlite" || c.ShutdownTimeout != 15*time.Second || c.FileSize != 100<<20 || c.FrameSize != 128<<10 || c.SendRate != 20 {
		t.Errorf("got %+v, want the defaults of the contract", c)
	}
	if strings.Join(rest, " ") != "left over" {
		t.Errorf("got rest %q, want what follows the flags", rest)
	}
}

func TestPrecedence(t *testing.T) {
	file := write(t, "parley.toml", "addr = ':1'\nsignup = 'closed'\nlog-level = 'warn'\nsend-rate = 5\ntrusted-proxies = ['10.0.0.0/8', '192.0.2.1']\nshutdown-timeout = '1m'\n")
	c, _, err := Load(Source{
		Args:    []string{"--addr", ":3", "--config=" + file},
		Environ: []string{"PARLEY_ADDR=:2", "PARLEY_SIGNUP=invite"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.Addr != ":3" || c.Signup != "invite" || c.LogLevel != "warn" || c.SendRate != 5 || c.ShutdownTimeout != time.Minute {
		t.Errorf("got %s", c)
	}
	if !c.TrustedProxies.Contains(netip.MustParseAddr("::ffff:10.1.2.3")) || c.TrustedProxies.Contains(netip.MustParseAddr("11.0.0.1")) {
		t.Errorf("got %s, want the networks of the file", c.TrustedProxies)
	}
}

func TestSecretsFromFiles(t *testing.T) {
	path := write(t, "store", "postgres://u:p@db/x\n")
	lower := write(t, "parley.toml", "store = 'sqlite'\n")
	c, _, err := Load(Source{Environ: []string{"PARLEY_STORE_FILE=" + path, "PARLEY_CONFIG=" + lower}})
	if err != nil {
		t.Fatal(err)
	}
	if c.Store != "postgres://u:p@db/x" {
		t.Errorf("got a store of %d bytes, want the file's", len(c.Store))
	}
	c, _, err = Load(Source{Args: []string{"--store", "sqlite"}, Environ: []string{"PARLEY_STORE_FILE=" + path}})
	if err != nil || c.Store != "sqlite" {
		t.Errorf("got %v, %v, want the flag to win over the file of the environment", c, err)
	}
	if _, _, err = Load(Source{Args: []string{"--store", "sqlite", "--store-file", path}}); err == nil {
		t.Error("got no error for a secret that is given twice")
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	c, _, err := Load(Source{Environ: []string{
		"PARLEY_STORE=postgres://user:hunter22@db:5432/parley?password=hunter22", "PARLEY_SECRET=" + strings.Repeat("hunter22", 4),
		"PARLEY_BUS=redis://:hunter22@cache", "PARLEY_LOG=kafka://hunter22@k/t",
	}})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("start", "config", c)
	for _, text := range []string{log.String(), c.String()} {
		if strings.Contains(text, "hunter22") || !strings.Contains(text, "db:5432/parley") {
			t.Errorf("got %s, want no secret in it", text)
		}
	}
}

func TestCalls(t *testing.T) {
	c, _, err := Load(Source{})
	if err != nil || c.TurnAddr != "" || c.Relay().IsValid() || c.TurnPorts != (Ports{49160, 49659}) || len(c.ICEServers) != 0 {
		t.Errorf("got %s, %v, want calls without a relay", c, err)
	}
	c, _, err = Load(Source{Args: []string{
		"--turn-addr", "192.0.2.1:3478", "--turn-secret", strings.Repeat("hunter22", 4), "--turn-ports", "50000-50000",
		"--ice-servers", "stun:stun.example.org, turn:turn.example.org:3478?transport=tcp,turns:[2001:db8::1]:5349,stuns:192.0.2.7:443",
	}})
	if err != nil {
		t.Fatal(err)
	}
	if c.Relay() != netip.MustParseAddr("192.0.2.1") || c.TurnPorts.String() != "50000-50000" || len(c.ICEServers) != 4 {
		t.Errorf("got %s", c)
	}
	if strings.Contains(c.String(), "hunter22") {
		t.Errorf("got %s, want no secret in it", c)
	}
	c, _, err = Load(Source{Args: []string{"--turn-addr", ":3478", "--turn-public-ip", "198.51.100.7"}})
	if err != nil || c.Relay() != netip.MustParseAddr("198.51.100.7") {
		t.Errorf("got %s, %v", c, err)
	}
}

func TestOneClearSentence(t *testing.T) {
	bad := write(t, "bad.toml", "adr = ':1'\n")
	broken := write(t, "broken.toml", "addr = \n")
	nested := write(t, "nested.toml", "[addr]\nx = 1\n")
	for _, c := range []struct {
		name string
		src  Source
		want string
	}{
		{"unknown flag", Source{Args: []string{"--adr", ":1"}}, "unknown flag --adr; did you mean addr?"},
		{"unknown variable", Source{Environ: []string{"PARLEY_LOG_LEVL=info"}}, "unknown environment variable PARLEY_LOG_LEVL; did you mean log-level?"},
		{"unknown key", Source{Environ: []string{"PARLEY_CONFIG=" + bad}}, "did you mean addr?"},
		{"not TOML", Source{Args: []string{"--config", broken}}, "is not valid TOML"},
		{"a table", Source{Args: []string{"--config", nested}}, "addr"},
		{"no file", Source{Args: []string{"--config", bad + "x"}}, "read the configuration file"},
		{"no secret file", Source{Args: []string{"--secret-file", bad + "x"}}, "read secret-file"},
		{"value missing", Source{Args: []string{"--addr"}}, "flag needs an argument"},
		{"choice", Source{Args: []string{"--signup", "maybe"}}, `signup is "maybe"; it must be open, invite or closed`},
		{"number", Source{Args: []string{"--send-rate", "many"}}, `send-rate is "many"; it must be a number`},
		{"negative", Source{Args: []string{"--send-rate", "-1"}}, "send-rate is negative"},
		{"zero", Source{Args: []string{"--file-size", "0"}}, "file-size must be more than 0"},
		{"size", Source{Args: []string{"--file-size", "12 parsecs"}}, "must be a size"},
		{"time", Source{Args: []string{"--shutdown-timeout", "soon"}}, "must be a time"},
		{"address", Source{Args: []string{"--addr", "3000"}}, "must be host:port or :port"},
		{"port", Source{Args: []string{"--addr", ":99999"}}, "is not a port"},
		{"network", Source{Args: []string{"--trusted-proxies", "10.0.0.0/99"}}, "neither an address nor a network"},
		{"public URL", Source{Args: []string{"--public-url", "chat.example.org"}}, "must begin with http"},
		{"contact nowhere", Source{Args: []string{"--push-contact", "mailto:root@localhost"}}, "must be an address such as mailto:"},
		{"contact by http", Source{Args: []string{"--push-contact", "http://example.org"}}, "must be an address such as mailto:"},
		{"contact with a name", Source{Args: []string{"--push-contact", "mailto:A <a@example.org>"}}, "must be an address such as mailto:"},
		{"path in URL", Source{Args: []string{"--public-url", "https://x/y"}}, "only a scheme, a host"},
		{"origin", Source{Args: []string{"--allowed-origins", "https://x/y"}}, "is not an origin"},
		{"engine", Source{Args: []string{"--store", "mysql://root:hunter22@x"}}, "store must be or begin with"},
		{"a relay without an address", Source{Args: []string{"--turn-addr", ":3478"}}, "turn-public-ip is missing"},
		{"a relay at a name", Source{Args: []string{"--turn-addr", "turn.example.org:3478"}}, "turn-public-ip is missing"},
		{"a relay anywhere", Source{Args: []string{"--turn-addr", "0.0.0.0:3478"}}, "turn-public-ip is missing"},
		{"a relay of IPv6", Source{Args: []string{"--turn-addr", "[2001:db8::1]:3478"}}, "turn-public-ip is missing"},
		{"a public address of IPv6", Source{Args: []string{"--turn-addr", ":3478", "--turn-public-ip", "2001:db8::1"}}, "IPv4 address"},
		{"a public address that is none", Source{Args: []string{"--turn-public-ip", "turn.example.org"}}, "must be an IP address"},
		{"where the relay listens", Source{Args: []string{"--turn-addr", "3478"}}, "turn-addr is"},
		{"ports of the relay", Source{Args: []string{"--turn-ports", "60000-50000"}}, "must be a range of ports"},
		{"bytes of the relay", Source{Args: []string{"--turn-rate", "1KiB"}}, "must be 0 or at least 16KiB"},
		{"less than none", Source{Args: []string{"--turn-rate", "-1KiB"}}, "turn-rate"},
		{"a port of the relay", Source{Args: []string{"--turn-ports", "60000"}}, "must be a range of ports"},
		{"ports of the system", Source{Args: []string{"--turn-ports", "80-90"}}, "must be a range of ports"},
		{"an ICE server of the web", Source{Args: []string{"--ice-servers", "https://x"}}, "ice-servers holds an address"},
		{"an ICE server with a password", Source{Args: []string{"--ice-servers", "turn:u:hunter22@x:3478"}}, "ice-servers holds an address"},
		{"a STUN server with a transport", Source{Args: []string{"--ice-servers", "stun:x?transport=udp"}}, "ice-servers holds an address"},
		{"a TURN server whose secret is not said", Source{Args: []string{"--ice-servers", "stun:x,turn:x"}}, "turn-secret must say"},
		{"a short secret of relays", Source{Args: []string{"--turn-secret", "hunter22"}}, "turn-secret is shorter than 32"},
		{"short secret", Source{Args: []string{"--secret", "hunter22"}}, "secret is shorter than 32"},
	} {
		_, _, err := Load(c.src)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want it to say %q", c.name, err, c.want)
			continue
		}
		if strings.Contains(err.Error(), "hunter22") || strings.Contains(err.Error(), "\n") && c.name != "not TOML" {
			t.Errorf("%s: got %v, want one sentence without a secret", c.name, err)
		}
	}
}

func TestHelp(t *testing.T) {
	var out strings.Builder
	_, _, err := Load(Source{Args: []string{"--help"}, Output: &out})
	if !errors.Is(err, ErrHelp) {
		t.Fatalf("got %v, want ErrHelp", err)
	}
	for _, o := range optionsOf(&Config{}) {
		if !strings.Contains(out.String(), "--"+o.key+" ") {
			t.Errorf("the help does not name --%s", o.key)
		}
	}
}

func TestDocumentationIsInStep(t *testing.T) {
	var want strings.Builder
	if err := Markdown(&want); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../docs/config.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want.String() {
		t.Error("docs/config.md is out of step: run make gen")
	}
}

func TestEverySettingIsDocumented(t *testing.T) {
	for _, o := range optionsOf(&Config{}) {
		if o.key == "" || o.doc == "" || strings.ToLower(o.key) != o.key || strings.Contains(o.key, "_") {
			t.Errorf("setting %q: got doc %q, want a lower-case key with dashes and a sentence", o.key, o.doc)
		}
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]Bytes{"0": 0, "12": 12, "12B": 12, "1KiB": 1 << 10, "3 MiB": 3 << 20, "10GiB": 10 << 30, "2TiB": 2 << 40} {
		var b Bytes
		if err := b.UnmarshalText([]byte(text)); err != nil || b != want {
			t.Errorf("%s: got %d, %v, want %d", text, b, err, want)
		}
		var again Bytes
		if err := again.UnmarshalText([]byte(b.String())); err != nil || again != b {
			t.Errorf("%s: got %s back, which reads as %d, %v", text, b, again, err)
		}
	}
}
