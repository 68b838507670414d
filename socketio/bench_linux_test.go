//go:build linux

package socketio_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/parley-chat/parley/socketio"
	"github.com/parley-chat/parley/socketio/internal/ws"
)

// The clients of the benchmarks live in a process of their own (this test binary, called
// with sinkEnv set), so that what is measured here is the server and nothing else. A
// client is a file descriptor; one epoll loop throws away what arrives.
const sinkEnv = "PARLEY_BENCH_SINK"

func TestMain(m *testing.M) {
	if spec := os.Getenv(sinkEnv); spec != "" {
		if err := runSink(spec); err != nil {
			fmt.Fprintln(os.Stderr, "sink:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// runSink connects "<port> <count> <talk>" clients, says "ready" and reads until its stdin
// ends. With talk set, every other client sends an event and, whenever it has been
// acknowledged, the next one.
func runSink(spec string) error {
	var port, count, talk int
	if _, err := fmt.Sscan(spec, &port, &count, &talk); err != nil {
		return err
	}
	go func() {
		_, _ = bufio.NewReader(os.Stdin).ReadByte()
		os.Exit(0)
	}()
	ep, err := syscall.EpollCreate1(0)
	if err != nil {
		return err
	}
	event := string(ws.AppendMasked(nil, ws.OpText, []byte(`421["say",{"text":"`+strings.Repeat("x", 180)+`"}]`), [4]byte{}))
	var talkers []int
	const together = 50 // clients connect in groups, as after a network's fault
	for done := 0; done < count; done += together {
		fds, err := sinkClients(port, min(together, count-done))
		if err != nil {
			return err
		}
		for i, fd := range fds {
			if talk != 0 && i%2 == 0 {
				talkers = append(talkers, fd)
			}
			ev := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)}
			if err := syscall.EpollCtl(ep, syscall.EPOLL_CTL_ADD, fd, &ev); err != nil {
				return err
			}
		}
	}
	fmt.Println("ready")
	for _, fd := range talkers {
		if err := writeAll(fd, event); err != nil {
			return err
		}
	}
	events := make([]syscall.EpollEvent, 512)
	buf := make([]byte, 256<<10)
	for {
		n, err := syscall.EpollWait(ep, events, -1)
		if err != nil && err != syscall.EINTR {
			return err
		}
		for _, ev := range events[:max(n, 0)] {
			n, err := syscall.Read(int(ev.Fd), buf)
			if n == 0 || err != nil && err != syscall.EINTR {
				return fmt.Errorf("server closed a connection: %w", err)
			}
			if talk != 0 && bytes.Contains(buf[:max(n, 0)], []byte("431[")) {
				if err := writeAll(int(ev.Fd), event); err != nil {
					return err
				}
			}
		}
	}
}

// sinkClients connects n clients, joins the namespace and waits until they are in.
func sinkClients(port, n int) ([]int, error) {
	fds := make([]int, n)
	for i := range fds {
		fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
		if err != nil {
			return nil, err
		}
		if err := syscall.Connect(fd, &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
			return nil, err
		}
		fds[i] = fd
	}
	hello := ws.AppendMasked(nil, ws.OpText, []byte(`40{"token":"0123456789abcdef0123456789abcdef"}`), [4]byte{})
	for _, step := range []struct{ send, want string }{
		{"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n" +
			"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", `"maxPayload"`},
		{string(hello), `40{"sid"`},
	} {
		for _, fd := range fds {
			if err := writeAll(fd, step.send); err != nil {
				return nil, err
			}
		}
		for _, fd := range fds {
			if err := readUntil(fd, step.want); err != nil {
				return nil, err
			}
		}
	}
	return fds, nil
}

func writeAll(fd int, s string) error {
	_, err := syscall.Write(fd, []byte(s))
	return err
}

func readUntil(fd int, want string) error {
	buf := make([]byte, 4096)
	got := ""
	for !strings.Contains(got, want) {
		n, err := syscall.Read(fd, buf)
		if n <= 0 || err != nil {
			return fmt.Errorf("server closed: %w", err)
		}
		got += string(buf[:n])
	}
	return nil
}

// benchServer serves on a free port and lets OnConnect put every socket into the rooms
// that rooms returns.
func benchServer(b *testing.B, opt socketio.Options, rooms func(n int) []string) (*socketio.Server, int) {
	b.Helper()
	opt.Engine.PingInterval = time.Hour
	srv := socketio.NewServer(opt)
	var n atomic.Int64
	srv.Of("/").OnConnect(func(s *socketio.Socket, _ json.RawMessage) error {
		s.SetData(&struct{ user string }{"u"})
		return s.Join(rooms(int(n.Add(1)))...)
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	hs := &http.Server{Handler: srv, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = hs.Serve(ln) }()
	b.Cleanup(func() {
		_ = srv.Close()
		_ = hs.Close()
	})
	addr, ok := ln.Addr().(*net.TCPAddr)
	if !ok {
		b.Fatalf("listening on %v", ln.Addr())
	}
	return srv, addr.Port
}

// sink starts the process with the clients and waits until they are connected.
func sink(b *testing.B, port, count int) { startSink(b, port, count, 0) }

func startSink(b *testing.B, port, count, talk int) {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %d %d", sinkEnv, port, count, talk))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
		b.Fatalf("sink said %q: %v", line, err)
	}
}

// cpu is the processor time this process has used, user and system.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var ru syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &ru); err != nil {
		b.Fatal(err)
	}
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
}

// memory is the live heap and stacks, and the resident set, in bytes.
func memory(b *testing.B) (live, rss int64) {
	b.Helper()
	runtime.GC()
	debug.FreeOSMemory()
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	raw, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Fatal(err)
	}
	var size, resident int64
	if _, err := fmt.Sscan(string(raw), &size, &resident); err != nil {
		b.Fatal(err)
	}
	return int64(ms.HeapAlloc + ms.StackInuse), resident * int64(os.Getpagesize())
}

func benchConns(b *testing.B) int {
	b.Helper()
	n, err := strconv.Atoi(os.Getenv("PARLEY_BENCH_CONNS"))
	if err != nil {
		return 2000
	}
	return n
}

// BenchmarkIdle reports the memory of a silent, accepted connection in 0 and in 20 rooms
// (each shared by two), and what it cost to set up. PARLEY_BENCH_CONNS is their number.
func BenchmarkIdle(b *testing.B) {
	for _, model := range []string{"epoll", "portable"} {
		for _, rooms := range []int{0, 20} {
			b.Run(fmt.Sprintf("%s/rooms=%d", model, rooms), func(b *testing.B) {
				n := benchConns(b)
				srv, port := benchServer(b, socketio.Options{Engine: socketio.EngineOptions{Portable: model == "portable"}}, func(i int) []string {
					names := make([]string, rooms)
					for j := range names {
						names[j] = fmt.Sprintf("c:%08d-%015d", i/2, j)
					}
					return names
				})
				sink(b, port, 10) // what is made once is not counted
				live, rss := memory(b)
				used := cpu(b)
				sink(b, port, n)
				used = cpu(b) - used
				live2, rss2 := memory(b)
				if got := srv.Of("/").Len(); got != n+10 {
					b.Fatalf("connected %d, want %d", got, n+10)
				}
				b.ReportMetric(float64(live2-live)/float64(n), "heap-B/conn")
				b.ReportMetric(float64(rss2-rss)/float64(n), "rss-B/conn")
				b.ReportMetric(float64(used.Microseconds())/float64(n), "cpu-µs/connect")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// BenchmarkRoom reports the server's processor time for one delivery. "limit" writes the
// same bytes to as many sockets with nothing but write(2); "merged" is a room so busy
// that frames are merged.
func BenchmarkRoom(b *testing.B) {
	payload := json.RawMessage(`{"conversation_id":"01J8ZQ4W3V6N8","seq":12345,"sender_id":"01J8ZQ4W3V6N8","text":"` + strings.Repeat("x", 110) + `"}`)
	for _, members := range []int{100, 1000} {
		for _, mode := range []string{"limit", "direct", "merged"} {
			b.Run(fmt.Sprintf("members=%d/%s", members, mode), func(b *testing.B) {
				opt := socketio.Options{}
				if mode == "direct" {
					opt.Engine.MergeWindow = -1
				}
				srv, port := benchServer(b, opt, func(int) []string { return []string{"room"} })
				frame, err := socketio.NewFrame("entry", payload)
				if err != nil {
					b.Fatal(err)
				}
				room := srv.Of("/").To("room")
				send := func() { room.Send(frame) }
				if mode == "limit" {
					send = rawRoom(b, members, frame.Len())
				} else {
					sink(b, port, members)
				}
				b.ResetTimer()
				used := cpu(b)
				for range b.N {
					send()
					for srv.Stats().OutboundBytes > int64(members)*64<<10 {
						runtime.Gosched()
					}
				}
				for srv.Stats().OutboundBytes > 0 {
					time.Sleep(time.Millisecond)
				}
				used = cpu(b) - used
				b.ReportMetric(float64(used.Nanoseconds())/1000/float64(b.N*members), "cpu-µs/delivery")
				if mode != "limit" && srv.Of("/").Len() != members {
					b.Fatalf("members left: %d, want %d", srv.Of("/").Len(), members)
				}
			})
		}
	}
}

// BenchmarkTalk reports the server's processor time for one message in a room of two: an
// event received and decoded, an acknowledgement and two deliveries sent. 100 clients
// talk, each waiting for its acknowledgement.
func BenchmarkTalk(b *testing.B) {
	const clients = 200
	srv, port := benchServer(b, socketio.Options{}, func(i int) []string { return []string{fmt.Sprint(i / 2)} })
	var handled atomic.Int64
	done := make(chan struct{})
	type say struct {
		Text string `json:"text"`
	}
	ns := srv.Of("/")
	socketio.On(ns, "say", func(s *socketio.Socket, p say, ack socketio.Ack) {
		f, err := socketio.NewFrame("said", p)
		if err != nil {
			b.Error(err)
		}
		ns.To(s.Rooms()[0]).Send(f)
		if err := ack.SendJSON(json.RawMessage(`{"ok":true}`)); err != nil && !errors.Is(err, socketio.ErrClosed) {
			b.Error(err)
		}
		if handled.Add(1) == int64(b.N) {
			close(done)
		}
	})
	used := cpu(b)
	b.ResetTimer()
	startSink(b, port, clients, 1)
	<-done
	b.ReportMetric(float64((cpu(b)-used).Nanoseconds())/1000/float64(b.N), "cpu-µs/message")
}

// rawRoom returns a function that writes size bytes to each of as many sockets.
func rawRoom(b *testing.B, members, size int) func() {
	b.Helper()
	srv, port := benchServer(b, socketio.Options{}, func(int) []string { return nil })
	before := openSockets(b)
	sink(b, port, members)
	var fds []int
	for fd := range openSockets(b) {
		if !before[fd] {
			fds = append(fds, fd)
		}
	}
	if len(fds) < members || srv.Of("/").Len() != members {
		b.Fatalf("found %d sockets, want %d", len(fds), members)
	}
	data := make([]byte, size)
	return func() {
		for _, fd := range fds {
			for {
				if _, err := syscall.Write(fd, data); err != syscall.EAGAIN {
					break
				}
				runtime.Gosched()
			}
		}
	}
}

func openSockets(b *testing.B) map[int]bool {
	b.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		b.Fatal(err)
	}
	found := make(map[int]bool)
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		target, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err == nil && strings.HasPrefix(target, "socket:") {
			found[fd] = true
		}
	}
	return found
}
