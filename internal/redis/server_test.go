package redis

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"
)

// server is a redis-server of a test's own, to be ill-treated.
type server struct {
	t       *testing.T
	port    int
	dir     string
	cluster bool
	extra   []string // arguments
	secret  string   // the password that extra asks for
	cmd     *exec.Cmd
	admin   rueidis.Client
}

// needServer sees to it that redis-server can be started here.
func needServer(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err == nil {
		return
	}
	engines.Address(t, "PARLEY_TEST_REDIS", "redis") // installs it, unless an address was given
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Fatalf("redis-server is not installed: %v", err)
	}
}

func startServer(t *testing.T, cluster bool) *server {
	t.Helper()
	s := &server{t: t, port: freePort(t, cluster), dir: t.TempDir(), cluster: cluster}
	s.start()
	t.Cleanup(s.kill)
	return s
}

// freePort finds a port that is free; a node of a cluster uses the one 10,000 above too.
func freePort(t *testing.T, cluster bool) int {
	t.Helper()
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, text, _ := net.SplitHostPort(l.Addr().String())
		port, err := strconv.Atoi(text)
		_ = l.Close()
		if err != nil {
			t.Fatal(err)
		}
		if !cluster || port < 55_000 {
			return port
		}
	}
}

func (s *server) address() string { return "127.0.0.1:" + strconv.Itoa(s.port) }

func (s *server) start() {
	s.t.Helper()
	args := []string{"--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--appendonly", "no"}
	if s.cluster {
		args = append(args, "--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-require-full-coverage", "no")
	}
	s.cmd = exec.Command("redis-server", append(args, s.extra...)...)
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	eventually(s.t, "a redis-server that answers", func() bool {
		conn, err := net.Dial("tcp", s.address())
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	option := (&Config{password: s.secret}).to(s.address())
	option.ForceSingleClient = true
	var err error
	if s.admin, err = rueidis.NewClient(option); err != nil {
		s.t.Fatal(err)
	}
	s.do("PING")
}

// kill ends the server at once, as a loss of power does.
func (s *server) kill() {
	if s.cmd == nil {
		return
	}
	s.admin.Close()
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.cmd = nil
}

func (s *server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// do runs a command on this very server.
func (s *server) do(words ...string) rueidis.RedisResult {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	r := s.admin.Do(ctx, s.admin.B().Arbitrary(words...).Build())
	if err := r.Error(); err != nil && !rueidis.IsRedisNil(err) {
		s.t.Fatalf("%s: %v", strings.Join(words, " "), err)
	}
	return r
}

// startCluster makes a Redis Cluster of three nodes without replicas.
func startCluster(t *testing.T) []*server {
	t.Helper()
	var nodes []*server
	for range 3 {
		nodes = append(nodes, startServer(t, true))
	}
	for i, s := range nodes {
		s.do("CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
		s.do("CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(i*slotCount/3), strconv.Itoa((i+1)*slotCount/3-1))
		s.do("CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(nodes[0].port))
	}
	eventually(t, "a whole cluster", func() bool {
		for _, s := range nodes {
			info, err := s.do("CLUSTER", "INFO").ToString()
			if err != nil || !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, "cluster_known_nodes:3") ||
				!strings.Contains(info, fmt.Sprintf("cluster_slots_ok:%d", slotCount)) {
				return false
			}
		}
		return true
	})
	return nodes
}

func urlOf(servers ...*server) string {
	var addresses []string
	for _, s := range servers {
		addresses = append(addresses, s.address())
	}
	return "redis://" + strings.Join(addresses, ",")
}
