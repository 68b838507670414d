package engineio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parley-chat/parley/socketio/engineio"
	"github.com/parley-chat/parley/socketio/internal/rawtest"
)

func TestPollingEcho(t *testing.T) {
	a := start(t, engineio.Options{})
	for _, payload := range []string{"4hello", "4a\x1e4b\x1e4c", "4hello\x1ebAQIDBA==", "4", "4é\u2028"} {
		at := polled + "&sid=" + openPolling(t, a.addr)
		if res := rawtest.PostWith(t, a.addr, at, payload, "Content-Type: text/plain;charset=UTF-8"); res.Status != http.StatusOK || res.Body != "ok" {
			t.Errorf("POST answered %+v, want ok", res)
		}
		if got := rawtest.Get(t, a.addr, at, 200); got != payload {
			t.Errorf("got %q, want %q", got, payload)
		}
	}
}

// A pending poll is answered by what comes later.
func TestPollWaits(t *testing.T) {
	a := start(t, engineio.Options{})
	at := polled + "&sid=" + openPolling(t, a.addr)
	answer := make(chan string, 1)
	go func() { answer <- rawtest.Get(t, a.addr, at, 200) }()
	a.wantPoll(t)
	if err := a.conn(t, 0).Send(engineio.NewFrameWith([]byte("x"), []byte{1, 2}), 0); err != nil {
		t.Fatal(err)
	}
	if got := <-answer; got != "4x\x1ebAQI=" {
		t.Errorf("got %q", got)
	}
}

func TestBadPayloads(t *testing.T) {
	for name, tc := range map[string]struct {
		body   string
		header []string
		status int
		reason engineio.Reason // "" when the session goes on
	}{
		"unknown packet": {"abc", nil, 400, engineio.ReasonBadPacket},
		"empty":          {"", nil, 400, engineio.ReasonBadPacket},
		"empty packet":   {"4a\x1e\x1e4b", nil, 400, engineio.ReasonBadPacket},
		"bad base64":     {"b###", nil, 400, engineio.ReasonBadPacket},
		"not UTF-8":      {"4\xff", nil, 400, engineio.ReasonBadPacket},
		"open":           {"0{}", nil, 400, engineio.ReasonBadPacket},
		"ping":           {"2", nil, 400, engineio.ReasonBadPacket},
		"upgrade":        {"5", nil, 400, engineio.ReasonBadPacket},
		"noop":           {"6", nil, 400, engineio.ReasonBadPacket},
		"many packets":   {strings.Repeat("4\x1e", 20_000) + "4", nil, 400, engineio.ReasonBadPacket},
		"gzip":           {"4x", []string{"Content-Encoding: gzip"}, 415, ""},
		"octets":         {"4x", []string{"Content-Type: application/octet-stream"}, 415, ""},
		"no media type":  {"4x", []string{"Content-Type: ;;"}, 415, ""},
		"pongs":          {strings.Repeat("3\x1e", 500) + "3", nil, 400, engineio.ReasonRateLimited},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t, engineio.Options{})
			at := polled + "&sid=" + openPolling(t, a.addr)
			res := rawtest.PostWith(t, a.addr, at, tc.body, tc.header...)
			if res.Status != tc.status || !strings.HasPrefix(res.Body, `{"code":`) {
				t.Errorf("got %+v, want %d, for machines", res, tc.status)
			}
			if tc.reason != "" {
				a.wantClosed(t, tc.reason)
				rawtest.Get(t, a.addr, at, 400)
				return
			}
			rawtest.Post(t, a.addr, at, "4still here", 200)
			if got := rawtest.Get(t, a.addr, at, 200); got != "4still here" {
				t.Errorf("got %q", got)
			}
		})
	}
}

// A client may send its next payload the moment it has the answer to the last one.
func TestPayloadsInQuickSuccession(t *testing.T) {
	a := start(t, engineio.Options{})
	at := "http://" + a.addr + polled + "&sid=" + openPolling(t, a.addr)
	clients := []*http.Client{{Transport: &http.Transport{}}, {Transport: &http.Transport{}}} // two connections in turn
	for i := range 300 {
		res, err := clients[i%2].Post(at, "text/plain", strings.NewReader("4x"))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if err := errors.Join(err, res.Body.Close()); err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("payload %d: got %d %s, %v", i, res.StatusCode, body, err)
		}
	}
	for _, c := range clients {
		c.CloseIdleConnections()
	}
}

// Too large a body is refused by its header, or as soon as it has shown itself.
func TestTooLargeBody(t *testing.T) {
	big := strings.Repeat("x", 1_000_001)
	for name, tc := range map[string]struct{ header, body string }{
		"announced": {"Content-Length: 1000001", ""},
		"chunked":   {"Transfer-Encoding: chunked", fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(big), big)},
	} {
		t.Run(name, func(t *testing.T) {
			a := start(t, engineio.Options{})
			at := polled + "&sid=" + openPolling(t, a.addr)
			res, _ := rawtest.Request(t, a.addr, "POST "+at, []string{tc.header}, tc.body)
			if res.Status != http.StatusRequestEntityTooLarge || !strings.Contains(res.Body, "too large") {
				t.Errorf("got %d %s, want 413", res.Status, res.Body)
			}
			a.wantClosed(t, engineio.ReasonTooBig)
		})
	}
}

func TestTwoPollsAtATime(t *testing.T) {
	a := start(t, engineio.Options{})
	at := polled + "&sid=" + openPolling(t, a.addr)
	answer := make(chan string, 1)
	go func() { answer <- rawtest.Get(t, a.addr, at, 200) }()
	a.wantPoll(t)
	rawtest.Get(t, a.addr, at+"&t=2", 400)
	if got := <-answer; got != "1" {
		t.Errorf("first poll got %q, want a close packet", got)
	}
	a.wantClosed(t, engineio.ReasonBadPacket)
}

// Row E12: a body that does not come is answered with 408, and the session goes on.
func TestSlowBody(t *testing.T) {
	a := start(t, engineio.Options{BodyTimeout: 300 * time.Millisecond})
	at := polled + "&sid=" + openPolling(t, a.addr)
	res, _ := rawtest.Request(t, a.addr, "POST "+at, []string{"Content-Length: 10"}, "4")
	if res.Status != http.StatusRequestTimeout {
		t.Errorf("got %d, want 408", res.Status)
	}
	rawtest.Post(t, a.addr, at, "4x", 200)
}

func TestAbandonedPollEndsTheSession(t *testing.T) {
	a := start(t, engineio.Options{})
	at := polled + "&sid=" + openPolling(t, a.addr)
	req, cancel := context.WithCancel(context.Background())
	r, err := http.NewRequestWithContext(req, http.MethodGet, "http://"+a.addr+at, nil)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		res, err := http.DefaultClient.Do(r)
		if err == nil {
			err = res.Body.Close()
		}
		done <- err
	}()
	a.wantPoll(t)
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatalf("poll ended with %v", err)
	}
	rawtest.Eventually(t, "session ended", func() bool { return a.srv.Conns() == 0 })
}

func TestCloseLingersForOldPolls(t *testing.T) {
	a := start(t, engineio.Options{})
	at := polled + "&sid=" + openPolling(t, a.addr)
	c := a.conn(t, 0)
	if err := c.Send(engineio.NewFrame([]byte("last words")), 0); err != nil {
		t.Fatal(err)
	}
	c.Close(&engineio.CloseError{Reason: engineio.ReasonServerClose})
	a.wantClosed(t, engineio.ReasonServerClose)
	if err := c.Send(engineio.NewFrame([]byte("too late")), 0); !errors.Is(err, engineio.ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
	for _, want := range []string{"4last words", "1"} {
		if got := rawtest.Get(t, a.addr, at, 200); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	rawtest.Get(t, a.addr, at, 400)
}

// A last frame comes alone and before the close packet, whether a poll waits for it or not.
func TestCloseAfterALastFrame(t *testing.T) {
	for _, waiting := range []bool{true, false} {
		a := start(t, engineio.Options{})
		at := polled + "&sid=" + openPolling(t, a.addr)
		answer := make(chan string, 1)
		if waiting {
			go func() { answer <- rawtest.Get(t, a.addr, at, 200) }()
			a.wantPoll(t)
		}
		a.conn(t, 0).CloseAfter(engineio.NewFrame([]byte("last")), &engineio.CloseError{Reason: engineio.ReasonServerClose})
		if !waiting {
			answer <- rawtest.Get(t, a.addr, at, 200)
		}
		if got := <-answer; got != "4last" {
			t.Errorf("waiting %v: got %q", waiting, got)
		}
		if got := rawtest.Get(t, a.addr, at, 200); got != "1" {
			t.Errorf("waiting %v: got %q, want a close packet", waiting, got)
		}
	}
}

func TestClientClosesByPolling(t *testing.T) {
	a := start(t, engineio.Options{})
	at := polled + "&sid=" + openPolling(t, a.addr)
	answer := make(chan string, 1)
	go func() { answer <- rawtest.Get(t, a.addr, at, 200) }()
	a.wantPoll(t)
	rawtest.Post(t, a.addr, at, "1", 200)
	if got := <-answer; got != "6" {
		t.Errorf("got %q, want a noop packet", got)
	}
	a.wantClosed(t, engineio.ReasonClientClose)
	rawtest.Get(t, a.addr, at, 400)
}

// The poll a client sent before its close packet may arrive after it.
func TestClosePacketOvertakesThePoll(t *testing.T) {
	a := start(t, engineio.Options{})
	at := polled + "&sid=" + openPolling(t, a.addr)
	rawtest.Post(t, a.addr, at, "1", 200)
	a.wantClosed(t, engineio.ReasonClientClose)
	if got := rawtest.Get(t, a.addr, at, 200); got != "6" {
		t.Errorf("got %q, want a noop packet", got)
	}
	rawtest.Get(t, a.addr, at, 400)
}
