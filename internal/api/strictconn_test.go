package api

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// raw sends bytes and gives the statuses of what comes back until the server closes.
func (w *world) raw(text string) (statuses []int, closed bool) {
	w.t.Helper()
	c, err := net.Dial("tcp", w.server.Listener.Addr().String())
	if err != nil {
		w.t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		w.t.Fatal(err)
	}
	go io.WriteString(c, text) //nolint:errcheck // the server may have closed: that is what is looked at
	r := bufio.NewReader(c)
	for {
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			return statuses, true
		}
		statuses = append(statuses, res.StatusCode)
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			return statuses, true
		}
		if res.Close {
			_, err := r.ReadByte()
			return statuses, err != nil
		}
	}
}

const jsonHead = "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"

// H3: what two readers could read in two ways is refused, and the connection closed.
func TestH3AmbiguousRequestsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	for name, text := range map[string]string{
		"a length and a coding":       jsonHead + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"a coding and a length":       jsonHead + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"two lengths":                 jsonHead + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
		"the same length twice":       jsonHead + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
		"a signed length":             jsonHead + "Content-Length: +2\r\n\r\n{}",
		"two codings":                 jsonHead + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
		"a coding of HTTP/1.0":        "POST /x HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"bare line feeds":             "GET /healthz HTTP/1.1\nHost: x\n\n",
		"one bare line feed":          "GET /healthz HTTP/1.1\r\nHost: x\r\nA: b\nC: d\r\n\r\n",
		"a folded line":               "GET /healthz HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
		"a bad chunk":                 jsonHead + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
		"a chunk longer than it says": jsonHead + "Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n",
		"a space before the colon":    "GET /healthz HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n",
		"two hosts":                   "GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
		"no host":                     "GET /healthz HTTP/1.1\r\n\r\n",
		"an empty line first":         "\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
		"smuggled behind an upgrade":  "GET /healthz HTTP/1.1\r\nHost: x\r\nUpgrade: x\r\n\r\nGET /healthz HTTP/1.1\nHost: x\n\n",
		"smuggled behind a good one":  "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\nHost: x\n\n",
	} {
		statuses, closed := w.raw(text)
		if !closed || len(statuses) == 0 || statuses[len(statuses)-1] != 400 {
			t.Errorf("%s: got %v, closed %v, want 400 and the end", name, statuses, closed)
		}
	}
}

func TestGoodRequestsPass(t *testing.T) {
	t.Parallel()
	w := newWorld(t, options{})
	const last = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	for name, c := range map[string]struct {
		text string
		want []int
	}{
		"one":               {last, []int{200}},
		"pipelined":         {"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" + last, []int{200, 200}},
		"body, then one":    {jsonHead + "Content-Length: 2\r\n\r\n{}" + last, []int{401, 200}},
		"chunks, then one":  {jsonHead + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\nT: x\r\n\r\n" + last, []int{401, 200}},
		"a long header":     {"GET /healthz HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("b", 5000) + "\r\n\r\n" + last, []int{200, 200}},
		"behind an upgrade": {"GET /healthz HTTP/1.1\r\nHost: x\r\nUpgrade: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" + last, []int{200, 200, 200}},
		"empty header line": {"GET /healthz HTTP/1.1\r\nHost: x\r\nA:\r\n\r\n" + last, []int{200, 200}},
	} {
		if statuses, closed := w.raw(c.text); !closed || len(statuses) != len(c.want) || statuses[0] != c.want[0] || statuses[len(statuses)-1] != c.want[len(c.want)-1] {
			t.Errorf("%s: got %v, want %v", name, statuses, c.want)
		}
	}
}

// FuzzStrictConn: however a stream is cut into reads, the verdict is the same.
func FuzzStrictConn(f *testing.F) {
	f.Add([]byte(jsonHead+"Content-Length: 2\r\n\r\n{}GET / HTTP/1.1\r\n\r\n"), uint8(3))
	f.Add([]byte(jsonHead+"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n\r\n"), uint8(1))
	f.Add([]byte("GET / HTTP/1.1\nHost: x\n\n"), uint8(7))
	f.Fuzz(func(t *testing.T, data []byte, step uint8) {
		var whole, parts strictConn
		used, want := whole.follow(data)
		sum, got := 0, true
		for rest := data; len(rest) > 0 && got; {
			n := min(int(step)+1, len(rest))
			var took int
			took, got = parts.follow(rest[:n])
			sum += took
			if took < n {
				break
			}
			rest = rest[n:]
		}
		if got != want || want && sum != used {
			t.Fatalf("in parts of %d: got %v, %d bytes, as a whole %v, %d", step+1, got, sum, want, used)
		}
	})
}

// The transport of sockets gets the connection itself, whose descriptor it wants.
func TestUpgradesGetThePlainConnection(t *testing.T) {
	t.Parallel()
	kinds := make(chan string, 1)
	w := newWorld(t, options{socketIO: http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		conn, buffered, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			kinds <- err.Error()
			return
		}
		defer conn.Close()
		early := make([]byte, 6)
		if _, err := io.ReadFull(buffered, early); err != nil {
			kinds <- err.Error()
			return
		}
		kinds <- fmt.Sprintf("%T %q", conn, early)
	})})
	// What comes before the answer belongs to the other protocol already.
	for range 20 {
		w.raw("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\na\n\x81b\n")
		if got, want := <-kinds, `*net.TCPConn "\na\n\x81b\n"`; got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
}
