package push

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// sendTimeout bounds one request, answer included.
	sendTimeout = 10 * time.Second
	// maxAnswer is how much of an answer is read, to use the connection again.
	maxAnswer = 4 << 10
	// keepSeconds is how long a push service keeps what was said for a browser that is off.
	keepSeconds = 24 * 3600
	// maxRetryAfter bounds what a push service may ask for.
	maxRetryAfter = time.Hour
)

// SenderOptions say how notifications are sent.
type SenderOptions struct {
	Keys *Keys
	Now  func() time.Time
	// Private lets endpoints be in private networks and on any port: for push
	// services of one's own, and for tests.
	Private bool
	// TLS is for push services of one's own; nil: the usual trust.
	TLS *tls.Config
}

// Sender hands notifications to push services. Safe for concurrent use.
type Sender struct {
	o      SenderOptions
	client *http.Client
}

// NewSender makes a sender. It follows no redirect and uses no proxy.
func NewSender(o SenderOptions) *Sender {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	if !o.Private {
		dialer.Control = dialControl
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.TLS != nil {
		config = o.TLS.Clone()
	}
	return &Sender{o: o, client: &http.Client{
		Timeout:       sendTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: config, TLSHandshakeTimeout: 5 * time.Second, ForceAttemptHTTP2: true,
			MaxIdleConns: 32, MaxIdleConnsPerHost: 4, MaxConnsPerHost: 8, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 16 << 10,
		},
	}}
}

// Close ends connections that wait to be used again.
func (s *Sender) Close() { s.client.CloseIdleConnections() }

// notification is what one browser gets.
type notification struct {
	payload []byte
	// topic makes the push service replace an earlier copy that it still has (RFC 8030 section 5.4).
	topic  string
	urgent bool
	// keep is for how many seconds the push service keeps it for a browser that is off.
	keep int
}

// outcome is what a push service said.
type outcome struct {
	verdict chat.PushVerdict // PushSent, PushGone, PushFailed or PushRetry
	failure string           // for the owner of the browser to read
	after   time.Duration    // what the service asked for, with PushRetry
	unsure  bool             // with PushRetry: the service may have it all the same
}

// send hands one notification over.
func (s *Sender) send(ctx context.Context, sub *chat.PushSubscription, n notification) outcome {
	if err := CheckEndpoint(sub.Endpoint, s.o.Private); err != nil {
		return outcome{verdict: chat.PushFailed, failure: "the address of the push service is not allowed"}
	}
	req, err := s.request(ctx, sub, n)
	if err != nil {
		return outcome{verdict: chat.PushFailed, failure: "the subscription is not valid"}
	}
	res, err := s.client.Do(req)
	if err != nil {
		var refused *net.AddrError
		if errors.As(err, &refused) {
			return outcome{verdict: chat.PushFailed, failure: "the address of the push service is not allowed"}
		}
		var op *net.OpError
		return outcome{
			verdict: chat.PushRetry, failure: "the push service could not be reached", unsure: !errors.As(err, &op) || op.Op != "dial",
		}
	}
	_, rerr := io.CopyN(io.Discard, res.Body, maxAnswer)
	if cerr := res.Body.Close(); cerr != nil || rerr != nil && !errors.Is(rerr, io.EOF) {
		s.client.CloseIdleConnections() // what the answer was is known; the connection is not worth more
	}
	return s.judge(res)
}

func (s *Sender) judge(res *http.Response) outcome {
	failure := "the push service answered " + strconv.Itoa(res.StatusCode)
	switch code := res.StatusCode; {
	case code >= 200 && code < 300:
		return outcome{verdict: chat.PushSent}
	case code == http.StatusNotFound || code == http.StatusGone:
		return outcome{verdict: chat.PushGone}
	case code == http.StatusTooManyRequests || code == http.StatusRequestTimeout || code >= 500:
		return outcome{verdict: chat.PushRetry, failure: failure, after: s.retryAfter(res.Header.Get("Retry-After"))}
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return outcome{verdict: chat.PushFailed, failure: failure + ": it does not accept this server's key or contact"}
	default:
		return outcome{verdict: chat.PushFailed, failure: failure}
	}
}

// retryAfter reads seconds or a date (RFC 9110 section 10.2.3).
func (s *Sender) retryAfter(text string) time.Duration {
	var after time.Duration
	if seconds, err := strconv.Atoi(text); err == nil {
		after = time.Duration(min(max(seconds, 0), int(maxRetryAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		after = at.Sub(s.o.Now())
	}
	return min(max(after, 0), maxRetryAfter)
}

func (s *Sender) request(ctx context.Context, sub *chat.PushSubscription, n notification) (*http.Request, error) {
	u, err := url.Parse(sub.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("read endpoint: %w", err)
	}
	local, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	var salt [saltSize]byte
	if _, err := rand.Read(salt[:]); err != nil {
		return nil, fmt.Errorf("read randomness: %w", err)
	}
	body, err := seal(n.payload, sub.Key, sub.Auth, local, salt)
	if err != nil {
		return nil, err
	}
	authorization, err := s.o.Keys.authorization(u.Scheme+"://"+u.Host, s.o.Now())
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, sub.Endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	h := req.Header
	h.Set("Authorization", authorization)
	h.Set("Content-Encoding", "aes128gcm")
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Ttl", strconv.Itoa(n.keep))
	h.Set("Topic", n.topic)
	h.Set("Urgency", "normal")
	if n.urgent {
		h.Set("Urgency", "high")
	}
	h.Set("User-Agent", "parley")
	return req, nil
}
