package app

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/turn"
)

// openRelay starts the relay of calls, nil where the configuration has none, and makes
// what tells the devices in calls of it and of other servers.
// inCall says who is in a call.
func openRelay(ctx context.Context, cfg *config.Config, secret []byte, logger *slog.Logger, inCall func(context.Context, chat.UserID) (bool, error)) (*turn.Server, *turn.Issuer, error) {
	key := relaySecret(cfg, secret)
	urls := slices.Clone(cfg.ICEServers)
	if cfg.TurnAddr == "" {
		return nil, turn.NewIssuer(key, urls), nil
	}
	relay, err := turn.Listen(ctx, turn.Options{
		Addr: cfg.TurnAddr, Public: cfg.Relay(), Ports: turn.Ports(cfg.TurnPorts),
		Rate: int64(cfg.TurnRate), InCall: inCall, Secret: key, Clock: wallClock, Rand: rand.Reader, Logger: logger,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("open the relay of calls: %w", err)
	}
	return relay, turn.NewIssuer(key, append(relay.URLs(), urls...)), nil
}

// relaySecret is that of the configuration, or one that is made of the node's: whoever
// knows it does not know that.
func relaySecret(cfg *config.Config, secret []byte) []byte {
	if cfg.TurnSecret != "" {
		return []byte(cfg.TurnSecret)
	}
	mac := hmac.New(sha256.New, secret)
	_, _ = mac.Write([]byte("parley relay")) // documented never to fail
	return []byte(hex.EncodeToString(mac.Sum(nil)))
}

// relayReadings are the figures of the relay of calls.
func relayReadings(relay *turn.Server) []reading {
	return []reading{
		gauge("turn_relays", "Devices in calls that use the relay now.", func(*readings) float64 { return float64(relay.Stats().Relays) }),
		total("turn_relays_begun", "Devices that began to use the relay.", func(*readings) float64 { return float64(relay.Stats().Begun) }),
		total("turn_bytes_in", "Bytes that the relay got from peers.", func(*readings) float64 { return float64(relay.Stats().BytesIn) }),
		total("turn_bytes_out", "Bytes that the relay sent to peers.", func(*readings) float64 { return float64(relay.Stats().BytesOut) }),
		total("turn_unauthorized", "Requests to the relay whose credentials were not right (401).", func(*readings) float64 { return float64(relay.Stats().Unauthorized) }),
		total("turn_over_quota", "Relays that were refused to people who have as many as they may (486).", func(*readings) float64 { return float64(relay.Stats().OverQuota) }),
		total("turn_denied", "Addresses that the relay was asked to reach and does not.", func(*readings) float64 { return float64(relay.Stats().Denied) }),
		total("turn_malformed", "Packets to the relay that were not understood.", func(*readings) float64 { return float64(relay.Stats().Malformed) }),
		total("turn_full", "Connections to the relay above the bounds.", func(*readings) float64 { return float64(relay.Stats().Full) }),
		total("turn_unheard", "Requests to the relay without right credentials that were not answered: their address asked too often.", func(*readings) float64 { return float64(relay.Stats().Unheard) }),
		total("turn_over_rate", "Packets that the relay dropped: more bytes a second than it carries for a person.", func(*readings) float64 { return float64(relay.Stats().OverRate) }),
		total("turn_left", "Relays that ended because their owners had left their calls.", func(*readings) float64 { return float64(relay.Stats().Left) }),
	}
}

// checkRelay says what calls have besides direct ways.
func checkRelay(cfg *config.Config) string {
	found := "devices find each other without help, so only in one network"
	if n := len(cfg.ICEServers); n > 0 {
		found = fmt.Sprintf("%d STUN and TURN servers elsewhere", n)
	}
	if cfg.TurnAddr == "" {
		return found
	}
	more := ""
	if len(cfg.ICEServers) > 0 {
		more = ", and " + found
	}
	return fmt.Sprintf("a relay on %s (UDP and TCP), which clients reach at %s, with the UDP ports %s%s", cfg.TurnAddr, cfg.Relay(), cfg.TurnPorts, more)
}
