package gateway

import (
	"net/http"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/wire"
	"github.com/parley-chat/parley/socketio"
)

const (
	// A socket for which more than this waits is left out of deliveries until it
	// has caught up; see onBehind. The Socket.IO server cuts it at twice that.
	behindBytes  = 128 << 10
	behindFrames = 256
)

// ServerOptions are the settings of the Socket.IO server that the gateway is
// registered with. allow is asked first about every request: the origin check
// that REST has too.
func (g *Gateway) ServerOptions(allow func(*http.Request) error) socketio.Options {
	return socketio.Options{
		Engine: socketio.EngineOptions{
			MaxPayload:   g.opt.FrameBytes,
			BehindBytes:  behindBytes,
			BehindFrames: behindFrames,
			AllowRequest: func(r *http.Request) error {
				if err := allow(r); err != nil {
					return err
				}
				return g.allowHandshake(r)
			},
			Capture:      g.capture,
			CheckSession: g.checkSession,
			Logger:       g.opt.Logger,
		},
		Decode:     wire.Decode,
		OnBehind:   g.onBehind,
		OnCaughtUp: g.onCaughtUp,
		OnPanic: func(_ *socketio.Socket, _ string, _ any, ack socketio.Ack) {
			g.stats.panics.Add(1)
			_ = ack.SendJSON(wire.AckError(chat.ErrInternal)) // an error: the socket is gone
		},
	}
}
