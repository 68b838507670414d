package turn

import (
	"crypto/hmac"
	"crypto/md5"  //nolint:gosec // RFC 8489 section 9.2.2 makes the key of it
	"crypto/sha1" //nolint:gosec // what every TURN server with a shared secret computes
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

const (
	// Lifetime is how long credentials begin relays. A relay that has begun goes on.
	Lifetime = 10 * time.Minute
	// skew is how far the clocks of nodes may be apart.
	skew = 5 * time.Minute
	// longestCall bounds how long credentials that have expired keep a relay.
	longestCall = 12 * time.Hour
	// realm is part of the key (RFC 8489 section 9.2.2); it need not be secret nor a name.
	realm = "parley"
)

// Issuer gives people the servers by which their devices find each other, with
// credentials that are theirs and soon expire: "the expiry, a colon, the person" with
// an HMAC of that as the password, as TURN servers with a shared secret check it
// (draft-uberti-behave-turn-rest-00). Safe for concurrent use.
type Issuer struct {
	secret     []byte
	stun, turn []string
}

// NewIssuer makes one for the servers of these URLs (RFC 7064, RFC 7065); those that
// begin with turn: or turns: know the secret too. Of no URLs it gives no servers.
func NewIssuer(secret []byte, urls []string) *Issuer {
	i := &Issuer{secret: secret}
	for _, u := range urls {
		if strings.HasPrefix(u, "stun") {
			i.stun = append(i.stun, u)
		} else {
			i.turn = append(i.turn, u)
		}
	}
	return i
}

// ICE gives the servers for a person who is in a call now. A nil Issuer gives none.
func (i *Issuer) ICE(user chat.UserID, now time.Time) chat.ICE {
	out := chat.ICE{Servers: []chat.ICEServer{}}
	if i == nil {
		return out
	}
	if len(i.stun) > 0 {
		out.Servers = append(out.Servers, chat.ICEServer{URLs: i.stun})
	}
	if len(i.turn) > 0 {
		expires := now.Add(Lifetime).Truncate(time.Second)
		name := strconv.FormatInt(expires.Unix(), 10) + ":" + user.String()
		out.Servers = append(out.Servers, chat.ICEServer{URLs: i.turn, Username: name, Credential: password(i.secret, name)})
		out.ExpiresAt = chat.TimeOf(expires)
	}
	return out
}

func password(secret []byte, name string) string {
	mac := hmac.New(sha1.New, secret)
	_, _ = mac.Write([]byte(name)) // documented never to fail
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// holder reads whose credentials a username names, and when they expire.
func holder(name string) (user chat.UserID, expires time.Time, ok bool) {
	seconds, id, ok := strings.Cut(name, ":")
	if !ok {
		return user, expires, false
	}
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return user, expires, false
	}
	if err := user.UnmarshalText([]byte(id)); err != nil || user.IsZero() || user.String() != id {
		return user, expires, false
	}
	return user, time.Unix(n, 0), true
}

// key is what requests are signed with (RFC 8489 section 9.2.2).
func key(secret []byte, name string) []byte {
	sum := md5.Sum([]byte(name + ":" + realm + ":" + password(secret, name))) //nolint:gosec // see the import
	return sum[:]
}
