package gateway_test

import (
	"io"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/gateway"
)

// E17: one address opens connections and never says who it is. After the burst it
// is refused, others are not, each connection ends by itself, and nothing is left.
func TestE17HandshakesWithoutConnect(t *testing.T) {
	const burst, tries = 40, 400
	n := newNode(t, func(o *gateway.Options) {
		o.HandshakesPerSecond, o.HandshakeBurst = 0.001, burst
		o.RequestAddress = func(r *http.Request) string { return r.Header.Get("X-Test-Address") }
	})
	p := n.person()
	web := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 16}}
	t.Cleanup(web.CloseIdleConnections)
	open := func(address string) (status int, retry string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, n.web.URL+"/socket.io/?EIO=4&transport=polling", nil)
		if err != nil {
			t.Error(err)
			return 0, ""
		}
		req.Header.Set("X-Test-Address", address)
		res, err := web.Do(req)
		if err != nil {
			t.Error(err)
			return 0, ""
		}
		defer func() { _ = res.Body.Close() }()
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Error(err)
		}
		return res.StatusCode, res.Header.Get("Retry-After")
	}
	before := runtime.NumGoroutine()

	var mu sync.Mutex
	got := map[int]int{}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range tries / 8 {
				status, retry := open("192.0.2.1")
				mu.Lock()
				got[status]++
				mu.Unlock()
				if seconds, err := strconv.Atoi(retry); status == http.StatusTooManyRequests && (err != nil || seconds < 1) {
					t.Errorf("got Retry-After %q", retry)
				}
			}
		})
	}
	all.Wait()
	if got[http.StatusOK] != burst || got[http.StatusTooManyRequests] != tries-burst {
		t.Errorf("got %v, want %d opened and the others 429", got, burst)
	}
	if status, _ := open("192.0.2.2"); status != http.StatusOK {
		t.Errorf("another address: got %d", status)
	}
	// A customer's whole network of IPv6 is one address.
	for i := range burst + 1 {
		status, _ := open("2001:db8:1:2::" + strconv.Itoa(i))
		if want := map[bool]int{true: http.StatusOK, false: http.StatusTooManyRequests}[i < burst]; status != want {
			t.Errorf("connection %d of a /64: got %d, want %d", i, status, want)
		}
	}
	if status, _ := open("2001:db8:1:3::1"); status != http.StatusOK {
		t.Errorf("another /64: got %d", status)
	}
	// Who shows who they are is not counted.
	d := n.connect(p)
	_ = d.client.Close()

	// Nobody says CONNECT: each ends after its three seconds.
	for end := time.Now().Add(patience); n.sockets.Stats().Connections > 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("got %d connections left", n.sockets.Stats().Connections)
		}
	}
	web.CloseIdleConnections()
	for end := time.Now().Add(patience); runtime.NumGoroutine() > before+8; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("got %d goroutines, had %d before", runtime.NumGoroutine(), before)
		}
	}
}
