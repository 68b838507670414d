package app

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.yaml.in/yaml/v3"

	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/kafka"
)

// What is given to people to deploy has to fit the program: no container engine is
// needed to see that.

func readTop(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

type composeFile struct {
	Services map[string]struct {
		Image       string
		Environment map[string]any
		Volumes     []string
		DependsOn   any `yaml:"depends_on"`
	}
	Volumes map[string]any
}

func TestComposeStartsACluster(t *testing.T) {
	var compose composeFile
	if err := yaml.Unmarshal([]byte(readTop(t, "compose.yaml")), &compose); err != nil {
		t.Fatal(err)
	}
	nodes, brokers := 0, 0
	for name, service := range compose.Services {
		for _, volume := range service.Volumes {
			from, _, _ := strings.Cut(volume, ":")
			if strings.HasPrefix(from, "./") {
				if _, err := os.Stat(filepath.Join("../..", from)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			} else if _, ok := compose.Volumes[from]; !ok {
				t.Errorf("%s: volume %s is not declared", name, from)
			}
		}
		if strings.HasPrefix(service.Image, "apache/kafka:") {
			brokers++
			// What the image makes of its environment is all the broker knows: see KafkaDockerWrapper.
			if dir, want := fmt.Sprint(service.Environment["KAFKA_LOG_DIRS"]), name+":/var/lib/kafka/data"; len(service.Volumes) != 1 || service.Volumes[0] != want || want != name+":"+dir {
				t.Errorf("%s: got records in %s and the volumes %v, want them on %s", name, dir, service.Volumes, want)
			}
		}
		var environ []string
		for key, value := range service.Environment {
			if strings.HasPrefix(key, "PARLEY_") {
				environ = append(environ, fmt.Sprintf("%s=%v", key, value))
			}
		}
		if len(environ) == 0 {
			if strings.HasPrefix(service.Image, "parley") {
				t.Errorf("%s: a node without settings", name)
			}
			if service.Image == "" || !strings.Contains(service.Image, ":") {
				t.Errorf("%s: got image %q, want one with its version", name, service.Image)
			}
			continue
		}
		nodes++
		cfg, _, err := config.Load(config.Source{Environ: environ})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := checkSettings(cfg); err != nil || !many(cfg) || cfg.Node != name {
			t.Errorf("%s: got %v, many %v, node %q; want a node of a cluster with its name", name, err, many(cfg), cfg.Node)
		}
	}
	if nodes != 3 || brokers != 3 {
		t.Errorf("got %d nodes and %d brokers, want 3 of each", nodes, brokers)
	}
	for _, file := range []string{"deploy/nginx.conf", "deploy/haproxy.cfg"} {
		for _, found := range regexp.MustCompile(`(\w+):3000\b`).FindAllStringSubmatch(readTop(t, file), -1) {
			if _, ok := compose.Services[found[1]]; !ok {
				t.Errorf("%s: there is no %s in compose.yaml", file, found[1])
			}
		}
	}
}

func TestTheScriptOfAClusterKnowsItsFlags(t *testing.T) {
	text := readTop(t, "scripts/cluster")
	_, text, _ = strings.Cut(text, `"$binary" serve`)
	text, _, ok := strings.Cut(text, "\n}")
	flags := regexp.MustCompile(`--([a-z-]+)`).FindAllStringSubmatch(text, -1)
	if !ok || len(flags) < 10 {
		t.Fatalf("got the flags %v of %q", flags, text)
	}
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(strings.Repeat("s", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	good := map[string]string{
		"store": "postgres://x", "log": "kafka://x", "bus": "redis://x", "addr": ":1", "metrics-addr": ":2", "trusted-proxies": "127.0.0.1",
		"drain-delay": "2s", "secret-file": secret,
	}
	var args []string
	for _, f := range flags {
		value, ok := good[f[1]]
		if !ok {
			value = "x"
		}
		args = append(args, "--"+f[1], value)
	}
	cfg, _, err := config.Load(config.Source{Args: args})
	if err != nil {
		t.Fatal(err)
	}
	if err := checkSettings(cfg); err != nil || !many(cfg) {
		t.Errorf("got %v, many %v; want a node of a cluster", err, many(cfg))
	}
}

// metricNames are all the names that a node of a cluster can show.
func metricNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{"up": true, "process_resident_memory_bytes": true, "process_cpu_seconds_total": true, "go_goroutines": true}
	for _, r := range slices.Concat(table(), kafkaReadings(nil), redisReadings(nil, nil), lagReadings(nil), relayReadings(nil), callReadings(nil), bellReadings(nil)) {
		names[r.name] = true
	}
	descriptions := make(chan *prometheus.Desc, 1000)
	m := newMeters()
	m.registry.Describe(descriptions)
	lagCollector{(*kafka.Log)(nil)}.Describe(descriptions)
	poolCollector{}.Describe(descriptions)
	close(descriptions)
	for d := range descriptions {
		found := regexp.MustCompile(`fqName: "([^"]+)"`).FindStringSubmatch(d.String())
		names[found[1]] = true
		if strings.HasSuffix(found[1], "_seconds") || strings.HasPrefix(found[1], "parley_batch_") {
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				names[found[1]+suffix] = true
			}
		}
	}
	return names
}

func wantNames(t *testing.T, file, expression string, names map[string]bool) {
	t.Helper()
	found := regexp.MustCompile(`\bparley_[a-z_]+`).FindAllString(expression, -1)
	for _, name := range found {
		if !names[name] {
			t.Errorf("%s: %q: there is no metric %s", file, expression, name)
		}
	}
}

func TestAlertsAndDashboardNameMetricsThatExist(t *testing.T) {
	names := metricNames(t)
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Annotations map[string]string
			}
		}
	}
	file := "deploy/prometheus/rules.yml"
	if err := yaml.Unmarshal([]byte(readTop(t, file)), &rules); err != nil {
		t.Fatal(err)
	}
	if len(rules.Groups) != 1 || len(rules.Groups[0].Rules) < 8 {
		t.Fatalf("got %+v, want a group of rules", rules)
	}
	for _, r := range rules.Groups[0].Rules {
		if !strings.HasPrefix(r.Alert, "Parley") || r.Expr == "" || r.Annotations["summary"] == "" {
			t.Errorf("got the rule %+v, want a name, an expression and a summary", r)
		}
		wantNames(t, file, r.Expr, names)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	file = "deploy/grafana/dashboards/parley.json"
	if err := json.Unmarshal([]byte(readTop(t, file)), &dashboard); err != nil {
		t.Fatal(err)
	}
	for _, p := range dashboard.Panels {
		if p.Title == "" || len(p.Targets) == 0 {
			t.Errorf("got the panel %+v", p)
		}
		for _, target := range p.Targets {
			wantNames(t, file, target.Expr, names)
		}
	}
	if len(dashboard.Panels) < 10 {
		t.Errorf("got %d panels", len(dashboard.Panels))
	}
	for _, file := range []string{"docs/operations.md"} {
		for _, word := range regexp.MustCompile("`(parley_[a-z_]+)").FindAllStringSubmatch(readTop(t, file), -1) {
			if word[1] != "parley_" && !names[word[1]] {
				t.Errorf("%s: there is no metric %s", file, word[1])
			}
		}
	}
	for _, file := range []string{"deploy/prometheus/prometheus.yml", "deploy/grafana/provisioning/datasources/prometheus.yml", "deploy/grafana/provisioning/dashboards/parley.yml"} {
		var content map[string]any
		if err := yaml.Unmarshal([]byte(readTop(t, file)), &content); err != nil || len(content) == 0 {
			t.Errorf("%s: got %v, %v", file, slices.Sorted(maps.Keys(content)), err)
		}
	}
}

// The image is built with the versions that everything else is built with.
func TestTheImageIsBuiltAsEverythingElse(t *testing.T) {
	docker, module, tool, web := readTop(t, "Dockerfile"), readTop(t, "go.mod"), readTop(t, "scripts/tool"), readTop(t, "web/package.json")
	version := func(text, pattern string) string {
		t.Helper()
		found := regexp.MustCompile(pattern).FindStringSubmatch(text)
		if found == nil {
			t.Fatalf("%s is not found", pattern)
		}
		return found[1]
	}
	if got, want := version(docker, `golang:(\d+\.\d+)`), version(module, `(?m)^go (\d+\.\d+)`); got != want {
		t.Errorf("got Go %s in the Dockerfile, want %s", got, want)
	}
	pnpm := version(docker, `pnpm@([\d.]+)`)
	if a, b := version(tool, `pnpm=([\d.]+)`), version(web, `pnpm@([\d.]+)`); pnpm != a || pnpm != b {
		t.Errorf("got pnpm %s in the Dockerfile, %s in scripts/tool, %s in web/package.json", pnpm, a, b)
	}
	for _, file := range []string{"Dockerfile", "Makefile", "scripts/release"} {
		if !strings.Contains(readTop(t, file), "-trimpath -tags grpcnotrace ") {
			t.Errorf("%s does not build with grpcnotrace", file)
		}
	}
	last := docker[strings.LastIndex(docker, "\nFROM "):]
	if !strings.Contains(last, "FROM scratch") || !strings.Contains(last, "USER 65532") {
		t.Errorf("got %q, want an image of nothing else, that does not run as root", last)
	}
}

// Templates that call methods by name make the linker keep every exported method there
// is, which weighs 20 MB: nothing but a page of gRPC's would bring them in.
func TestTheBinaryHoldsNoTemplatesOfPages(t *testing.T) {
	list := func(tags string) []string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags", tags, "../../cmd/parley").Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(out))
	}
	if all := list("grpcnotrace"); slices.Contains(all, "html/template") || !slices.Contains(all, "net/http") {
		t.Errorf("html/template is among the %d packages of the program", len(all))
	}
	if !slices.Contains(list(""), "html/template") {
		t.Error("the build tag grpcnotrace is needed no more")
	}
}
