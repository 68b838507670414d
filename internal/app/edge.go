package app

import (
	"context"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/parley-chat/parley/internal/api"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/service"
	"github.com/parley-chat/parley/internal/wire"
	"github.com/parley-chat/parley/socketio"
	"github.com/parley-chat/parley/web"
)

// embeddedHeadCheck bounds the rooms whose heads are compared every 10 s. The
// in-process bus says when it lost something, so this only guards against what nobody
// thought of, and must not cost an idle node.
const embeddedHeadCheck = 2_000

// headCheckRooms bounds the rooms of one comparison; zero is the gateway's own bound.
func headCheckRooms(cfg *config.Config) int {
	if cfg.Bus == "memory" {
		return embeddedHeadCheck
	}
	return 0
}

func wireLimits(cfg *config.Config) wire.Limits {
	return wire.Limits{
		TextBytes: chat.MaxTextBytes, Attachments: chat.MaxAttachments,
		AttachmentBytes: int64(cfg.FileSize), FrameBytes: int(cfg.FrameSize),
		Mentions: chat.MaxMentions, TitleChars: chat.MaxTitleRunes, DisplayNameChars: service.MaxDisplayName, BioChars: service.MaxBio,
		AvatarBytes: service.MaxAvatarBytes, GroupMembers: chat.MaxMembers, SearchBytes: service.MaxSearchBytes, Pins: chat.MaxPins,
	}
}

// allowOrigins refuses socket requests of pages from elsewhere: browsers send
// cookies along wherever the page is from, and WebSocket knows no CORS. It is asked for
// polls and upgrades alike.
func allowOrigins(edge *api.Edge, further []string) func(*http.Request) error {
	refused := &socketio.RequestError{Status: http.StatusForbidden, Code: 4, Message: "cross_origin"}
	return func(r *http.Request) error {
		values := r.Header.Values("Origin")
		if len(values) == 0 {
			return nil
		}
		if len(values) > 1 {
			return refused
		}
		if slices.Contains(further, values[0]) || values[0] == edge.Origin(r) {
			return nil
		}
		// Behind a proxy that ends TLS and is not trusted the scheme is not known.
		if u, err := url.Parse(values[0]); err != nil || u.Host == "" || !strings.EqualFold(u.Host, edge.Host(r)) {
			return refused
		}
		return nil
	}
}

// corsFor lets pages of further origins poll.
func corsFor(further []string) func(http.Header, *http.Request) {
	if len(further) == 0 {
		return nil
	}
	return func(h http.Header, r *http.Request) {
		origin := r.Header.Get("Origin")
		h.Add("Vary", "Origin")
		if !slices.Contains(further, origin) {
			return
		}
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("Access-Control-Allow-Methods", "GET, POST")
		h.Set("Access-Control-Allow-Headers", "Content-Type")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	}
}

// webFiles gives the built web client, nil if the binary holds none.
func webFiles() fs.FS {
	if files, built := web.Dist(); built {
		return files
	}
	return nil
}

// errNotServing is what /readyz says before Run and while the node stops.
var errNotServing = &chat.Error{Code: chat.CodeUnavailable, Message: "This node is starting or stopping."}

// checks are the parts that /readyz asks. A folder of files is as good as this node's
// disk; text goes on without an object store.
func (a *App) checks() []api.Check {
	files := api.Check{Name: "files", Ping: a.blobs.Ping, Minor: a.cfg.Blobs != ""}
	store := api.Check{Name: "store", Ping: a.store.Ping}
	if a.carriers.kafka != nil {
		store.Spare = carriesOn
	}
	node := api.Check{Name: "node", Ping: func(context.Context) error {
		if !a.ready.Load() {
			return errNotServing
		}
		return nil
	}}
	return append([]api.Check{node, store, files}, a.carriers.checks...)
}
