package engineio_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/parley-chat/parley/socketio/engineio"
	"github.com/parley-chat/parley/socketio/internal/rawtest"
)

// Long-polling works over HTTP/2; a WebSocket is refused there, and clients stay with it.
func TestHTTP2(t *testing.T) {
	a := start(t, engineio.Options{})
	ts := httptest.NewUnstartedServer(a.srv)
	ts.EnableHTTP2 = true
	ts.StartTLS()
	t.Cleanup(ts.Close)
	request := func(method, target, body string) (int, string) {
		t.Helper()
		req, err := http.NewRequest(method, ts.URL+target, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := ts.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || res.ProtoMajor != 2 {
			t.Fatalf("HTTP/%d: %v", res.ProtoMajor, err)
		}
		return res.StatusCode, string(got)
	}
	_, open := request(http.MethodGet, polled, "")
	at := polled + "&sid=" + sidOf(t, open)
	answer := make(chan string, 1)
	go func() {
		_, got := request(http.MethodGet, at, "")
		answer <- got
	}()
	a.wantPoll(t)
	if status, got := request(http.MethodPost, at, "4over HTTP/2"); status != http.StatusOK || got != "ok" {
		t.Errorf("got %d %s", status, got)
	}
	if got := <-answer; got != "4over HTTP/2" {
		t.Errorf("got %q", got)
	}
	if status, _ := request(http.MethodGet, socket, ""); status != http.StatusBadRequest {
		t.Errorf("got %d, want 400", status)
	}
}

// A long poll, and a WebSocket, outlive the time limits for ordinary requests.
func TestServerTimeouts(t *testing.T) {
	a := start(t, engineio.Options{})
	ts := httptest.NewUnstartedServer(a.srv)
	const limit = 2 * time.Second // a handshake needs less, also on a busy machine
	ts.Config = &http.Server{Handler: a.srv, ReadTimeout: limit, WriteTimeout: limit}
	ts.Start()
	t.Cleanup(ts.Close)
	addr := strings.TrimPrefix(ts.URL, "http://")
	at := polled + "&sid=" + openPolling(t, addr)
	answer := make(chan string, 1)
	go func() { answer <- rawtest.Get(t, addr, at, 200) }()
	a.wantPoll(t)
	c := rawtest.Dial(t, addr, socket)
	c.WantPrefix("0{")
	time.Sleep(limit + time.Second/2)
	if err := a.conn(t, 0).Send(engineio.NewFrame([]byte("late")), 0); err != nil {
		t.Fatal(err)
	}
	if got := <-answer; got != "4late" {
		t.Errorf("got %q", got)
	}
	c.Send("4late")
	c.Want("4late")
}

func TestCORS(t *testing.T) {
	a := start(t, engineio.Options{CORS: func(h http.Header, r *http.Request) {
		h.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
	}})
	for _, method := range []string{"OPTIONS", "GET"} {
		res, _ := rawtest.Request(t, a.addr, method+" "+polled, []string{"Origin: https://app.example"}, "")
		if got := res.Header.Get("Access-Control-Allow-Origin"); got != "https://app.example" || res.Status/100 != 2 {
			t.Errorf("%s: %d, allowed origin %q", method, res.Status, got)
		}
	}
	plain := start(t, engineio.Options{})
	if res, _ := rawtest.Request(t, plain.addr, "OPTIONS "+polled, nil, ""); res.Status != http.StatusBadRequest {
		t.Errorf("OPTIONS without CORS: got %d, want 400", res.Status)
	}
}

// Bytes that arrive with the upgrade request itself are not lost.
func TestEarlyBytes(t *testing.T) {
	models(t, engineio.Options{}, func(t *testing.T, a *app) {
		nc, err := net.Dial("tcp", a.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = nc.Close() }()
		head := "GET " + socket + " HTTP/1.1\r\nHost: x\r\n" + strings.Join(rawtest.UpgradeHeader(), "\r\n") + "\r\n\r\n"
		if _, err := nc.Write(append([]byte(head), rawtest.Text("4early")...)); err != nil {
			t.Fatal(err)
		}
		if err := nc.SetReadDeadline(time.Now().Add(rawtest.Patience)); err != nil {
			t.Fatal(err)
		}
		var got []byte
		buf := make([]byte, 4096)
		for !bytes.Contains(got, []byte("4early")) {
			n, err := nc.Read(buf)
			if err != nil {
				t.Fatalf("after %q: %v", got, err)
			}
			got = append(got, buf[:n]...)
		}
	})
}
