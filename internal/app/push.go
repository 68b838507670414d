package app

import (
	"context"
	"fmt"

	"github.com/parley-chat/parley/internal/call"
	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/config"
	"github.com/parley-chat/parley/internal/push"
	"github.com/parley-chat/parley/internal/service"
)

const (
	pushOff     = "off"
	pushPrivate = "private"
	// pushKeyName is what the store keeps the key under by which browsers know this server.
	pushKeyName = "vapid"
)

// errPushOff answers who wants notifications where there are none.
var errPushOff = &chat.Error{Code: chat.CodeForbidden, Reason: "push_off", Message: "This server sends no notifications to browsers."}

// openPush makes what notifications are pushed with; keys is nil where none are.
// The key is made at the first start and kept in the store, which all nodes share.
func openPush(ctx context.Context, cfg *config.Config, store chat.Pushes) (port service.PushPort, keys *push.Keys, err error) {
	if cfg.Push == pushOff {
		return noPush(), nil, nil
	}
	made, err := push.NewKey()
	if err != nil {
		return port, nil, fmt.Errorf("make the key of notifications: %w", err)
	}
	raw, err := store.ServerKey(ctx, pushKeyName, made)
	if err != nil {
		return port, nil, fmt.Errorf("keep the key of notifications: %w", err)
	}
	if keys, err = push.NewKeys(raw, pushSubject(cfg)); err != nil {
		return port, nil, fmt.Errorf("use the key of notifications: %w", err)
	}
	private := cfg.Push == pushPrivate
	check := func(endpoint string) *chat.Error { return push.CheckEndpoint(endpoint, private) }
	return service.PushPort{PublicKey: keys.Public(), CheckEndpoint: check}, keys, nil
}

// noPush is for programs and servers that push nothing.
func noPush() service.PushPort {
	return service.PushPort{CheckEndpoint: func(string) *chat.Error { return errPushOff }}
}

// pushSubject is how push services can reach who runs this server (RFC 8292 section 2.1).
func pushSubject(cfg *config.Config) string {
	if cfg.PushContact != "" {
		return cfg.PushContact
	}
	if u := cfg.PublicURL.URL; u != nil && u.Scheme == "https" {
		return "https://" + u.Host
	}
	// Some push services take it, Apple's does not: docs/operations.md.
	return "mailto:postmaster@localhost.localdomain"
}

// pusher makes the worker that sends notifications.
func (a *App) pusher(keys *push.Keys) *push.Worker {
	return push.NewWorker(push.Deps{
		Pushes: a.store, Views: a.store, People: a.store, Looking: a.carriers.looks, Now: wallClock, Logger: a.logger,
		Sender: push.NewSender(push.SenderOptions{Keys: keys, Now: wallClock, Private: a.cfg.Push == pushPrivate}),
	})
}

// bell makes what tells of calls those who look at no client; nil where nothing is pushed.
// rang is Coordinator.Rang.
func (a *App) bell(keys *push.Keys, rang func(context.Context, *chat.Call, []chat.UserID) error) (*push.Bell, call.Bell) {
	if keys == nil {
		return nil, nil
	}
	bell := push.NewBell(push.BellDeps{
		Pushes: a.store, Views: a.store, People: a.store, Looking: a.carriers.looks, Rang: rang, Now: wallClock, Logger: a.logger,
		Sender: push.NewSender(push.SenderOptions{Keys: keys, Now: wallClock, Private: a.cfg.Push == pushPrivate}),
	})
	a.readings = append(a.readings, bellReadings(bell)...)
	return bell, bell
}

// bellReadings are what is shown of the notifications of calls.
func bellReadings(bell *push.Bell) []reading {
	return []reading{total("push_calls_dropped", "Notifications of calls that were not sent because too many waited.",
		func(*readings) float64 { return float64(bell.Dropped()) })}
}
