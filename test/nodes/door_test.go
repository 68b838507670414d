package nodes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/program"
	"github.com/parley-chat/parley/socketio/client"
)

// The sample configurations of deploy/ as they stand there, but for the addresses.
func TestBehindHAProxy(t *testing.T) {
	behind(t, "haproxy", "haproxy.cfg", "bind :3000", "bind ", func(binary, file, _ string) *exec.Cmd {
		return exec.Command(binary, "-db", "-f", file)
	})
}

func TestBehindNginx(t *testing.T) {
	behind(t, "nginx", "nginx.conf", "listen 3000", "listen ", func(binary, file, folder string) *exec.Cmd {
		return exec.Command(binary, "-p", folder, "-e", "stderr", "-c", file, "-g", "daemon off;")
	})
}

// behind has people talk through a load balancer, while a node stops and comes back.
func behind(t *testing.T, tool, sample, listen, prefix string, command func(binary, file, folder string) *exec.Cmd) {
	c := newCluster(t, 3, 3, "--trusted-proxies", "127.0.0.0/8", "--drain-delay", "1s")
	door := c.openDoor(tool, sample, listen, prefix, command)
	people := c.people(door, "alice", "bob", "carol", "dave")
	alice, bob, carol, dave := people[0], people[1], people[2], people[3]
	room := alice.group(door, bob, carol, dave)

	// One by WebSocket, one who polls, one who upgrades from polling, one whose polls come
	// from another address and so perhaps from another node.
	connect := func(p *person, from string, how client.Transport) *device {
		t.Helper()
		dial := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		d, err := p.try(door, client.Options{Transport: how, Dial: dial.DialContext})
		if err != nil {
			t.Fatalf("connect %s from %s through %s: %v", p.User.Username, from, tool, err)
		}
		return d
	}
	devices := []*device{
		connect(alice, "127.0.0.1", client.WebSocket), connect(bob, "127.0.0.2", client.Polling),
		connect(carol, "127.0.0.3", client.Upgrade), connect(dave, "127.0.0.77", client.Polling),
	}
	var sent []string
	say := func(d *device, id string) {
		t.Helper()
		d.send(room, id)
		sent = append(sent, id)
		for i, other := range devices {
			if other != d {
				eventually(t, fmt.Sprintf("device %d has %s", i, id), func() bool { return other.has("entry", "text of "+id) })
			}
		}
	}
	for i, d := range devices {
		say(d, fmt.Sprint("from-", i))
		say(d, fmt.Sprint("again-", i))
	}
	where := c.sockets()
	t.Logf("%s: sockets of the nodes: %v", tool, where)
	if sum := where[0] + where[1] + where[2]; sum != len(devices) {
		t.Errorf("got %d sockets, want %d", sum, len(devices))
	}

	// REST goes on while a node stops: the door sees that it is not ready, or knocks at the next one.
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		c.nodes[0].stop()
	}()
	for n, over := 0, false; !over; n++ {
		select {
		case <-stopped:
			over = true
		default:
		}
		id := fmt.Sprint("rest-", n)
		alice.rest(door, http.MethodPost, "/conversations/"+room+"/messages", map[string]string{"client_id": id, "text": "text of " + id}, nil)
		sent = append(sent, id)
	}
	// Whoever was at that node comes back through the door.
	for i, p := range people {
		if devices[i].over() || !alive(devices[i]) {
			c.eventually(p.User.Username+" is back", func() bool {
				d, err := p.try(door, client.Options{})
				if err == nil {
					devices[i] = d
				}
				return err == nil
			})
		}
	}
	say(devices[1], "after")
	c.nodes[0].Process = nil
	c.checkLog(alice, room, sent)
}

// alive asks something that needs no store.
func alive(d *device) bool {
	a, err := d.call("presence.watch", map[string]any{"user_ids": []string{}})
	return err == nil && (a.OK || a.Error.Code != "")
}

// sockets counts each node's sockets.
func (c *cluster) sockets() []int {
	out := make([]int, len(c.nodes))
	for i, n := range c.nodes {
		value, _ := n.metric("parley_sockets")
		if _, err := fmt.Sscan(value, &out[i]); err != nil {
			c.t.Errorf("%s: parley_sockets is %q", n.name, value)
		}
	}
	return out
}

// openDoor starts a load balancer before the nodes and gives its URL.
func (c *cluster) openDoor(tool, sample, listen, prefix string, command func(binary, file, folder string) *exec.Cmd) string {
	t := c.t
	t.Helper()
	out, err := exec.Command("../../scripts/tool", tool).Output()
	if err != nil {
		t.Fatalf("scripts/tool %s: %v", tool, err)
	}
	text, err := os.ReadFile(filepath.Join("../../deploy", sample))
	if err != nil {
		t.Fatal(err)
	}
	config := string(text)
	for _, n := range c.nodes {
		config = strings.ReplaceAll(config, n.name+":3000", n.address)
	}
	for tries := 1; ; tries++ { // somebody may take the address meanwhile
		address, err := program.FreeAddress()
		if err != nil {
			t.Fatal(err)
		}
		folder := t.TempDir()
		if err := os.Chmod(folder, 0o755); err != nil { // nginx's workers are somebody else
			t.Fatal(err)
		}
		file := filepath.Join(folder, sample)
		if err := os.WriteFile(file, []byte(strings.Replace(config, listen, prefix+address, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		ended := c.spawn(tool, command(strings.TrimSpace(string(out)), file, folder))
		door, gone := "http://"+address, false
		c.eventually(tool+" lets people in", func() bool {
			select {
			case <-ended:
				gone = true
			default:
			}
			return gone || answers(t, door+"/readyz")
		})
		switch {
		case !gone:
			return door
		case tries == 5:
			t.Fatalf("%s ended at its start, %d times", tool, tries)
		}
	}
}

// spawn starts a process that ends with the test, and tells when it ends by itself.
func (c *cluster) spawn(name string, cmd *exec.Cmd) (ended <-chan struct{}) {
	c.t.Helper()
	log := &prefixed{t: c.t, name: name}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait() // how it ended, its log says
	}()
	c.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-done
	})
	return done
}

func answers(t *testing.T, url string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, res.Body)
	return errors.Join(err, res.Body.Close()) == nil && res.StatusCode == http.StatusOK
}
