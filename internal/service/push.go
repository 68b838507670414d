package service

import (
	"context"

	"github.com/parley-chat/parley/internal/chat"
)

// PushPort is what the service has to know of how notifications are pushed.
type PushPort struct {
	// PublicKey is what browsers are given as applicationServerKey, in base64url.
	PublicKey string
	// CheckEndpoint refuses addresses that no push service has.
	CheckEndpoint func(endpoint string) *chat.Error
}

// SubscribeRequest asks for notifications in one browser. Key and Auth are those
// of its subscription (RFC 8291).
type SubscribeRequest struct {
	By       Principal
	Endpoint string
	Key      []byte
	Auth     []byte
	Content  bool
	Client   Client
}

// PushKey is the key that browsers subscribe with.
func (s *Service) PushKey() string { return s.Push.PublicKey }

// Subscribe pushes notifications to a browser from now on, until its session ends.
// The same endpoint again gives it new values; created is false then.
func (s *Service) Subscribe(ctx context.Context, r SubscribeRequest) (sub *chat.PushSubscription, created bool, err error) {
	if err := s.takeChange(ctx, r.By.UserID); err != nil {
		return nil, false, err
	}
	if err := s.Push.CheckEndpoint(r.Endpoint); err != nil {
		return nil, false, err
	}
	id, err := s.newID()
	if err != nil {
		return nil, false, s.hide(ctx, "make id", err)
	}
	sub = &chat.PushSubscription{
		ID: id, UserID: r.By.UserID, SessionID: r.By.SessionID, Endpoint: r.Endpoint, Content: r.Content,
		UserAgent: plain(r.Client.UserAgent, maxUserAgent), CreatedAt: s.now(),
	}
	if len(r.Key) != len(sub.Key) || r.Key[0] != 4 {
		return nil, false, chat.Invalid("keys.p256dh", "is not a P-256 key")
	}
	if len(r.Auth) != len(sub.Auth) {
		return nil, false, chat.Invalid("keys.auth", "is not 16 bytes")
	}
	copy(sub.Key[:], r.Key)
	copy(sub.Auth[:], r.Auth)
	if created, err = s.Pushes.SaveSubscription(ctx, sub); err != nil {
		return nil, false, s.hide(ctx, "save subscription", err)
	}
	kept, err := s.subscription(ctx, r.By.UserID, sub.ID)
	return kept, created, err
}

// Subscriptions lists the browsers that a person's notifications are pushed to.
func (s *Service) Subscriptions(ctx context.Context, user chat.UserID) ([]chat.PushSubscription, error) {
	all, err := s.Pushes.Subscriptions(ctx, user)
	return all, s.shown(ctx, "list subscriptions", err)
}

func (s *Service) subscription(ctx context.Context, user chat.UserID, id chat.PushID) (*chat.PushSubscription, error) {
	all, err := s.Subscriptions(ctx, user)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].ID == id {
			return &all[i], nil
		}
	}
	return nil, chat.ErrNotFound
}

// SetPushContent says whether notifications in a browser tell what was said.
func (s *Service) SetPushContent(ctx context.Context, user chat.UserID, id chat.PushID, content bool) (*chat.PushSubscription, error) {
	sub, err := s.Pushes.SetContent(ctx, user, id, content)
	return sub, s.shown(ctx, "change subscription", err)
}

// Unsubscribe ends notifications in a browser.
func (s *Service) Unsubscribe(ctx context.Context, user chat.UserID, id chat.PushID) error {
	return s.shown(ctx, "delete subscription", s.Pushes.DeleteSubscription(ctx, user, id))
}

// TestPush sends a notification that says nothing, at most one in ten seconds.
func (s *Service) TestPush(ctx context.Context, user chat.UserID, id chat.PushID) error {
	if _, err := s.subscription(ctx, user, id); err != nil {
		return err
	}
	if err := s.take(ctx, "push-test:"+user.String(), 0.1, 1); err != nil {
		return err
	}
	return s.shown(ctx, "queue test", s.Pushes.QueueTest(ctx, user, id, s.now()))
}
