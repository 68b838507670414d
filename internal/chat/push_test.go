package chat_test

import (
	"testing"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
)

func TestWhoIsToldOfAMessage(t *testing.T) {
	const now = chattest.Epoch
	base := chat.PushCandidate{
		UserID: bob, SenderID: ann, Seq: 5, ReadSeq: 4, VisibleFrom: 1, Kind: chat.Group, Members: 3, At: now,
		Preferences: chat.Preferences{Notify: chat.NotifyAll},
	}
	for name, c := range map[string]struct {
		change func(*chat.PushCandidate)
		want   bool
	}{
		"a member":                               {func(*chat.PushCandidate) {}, true},
		"its sender":                             {func(c *chat.PushCandidate) { c.UserID = ann }, false},
		"who has read it":                        {func(c *chat.PushCandidate) { c.ReadSeq = 5 }, false},
		"who joined later":                       {func(c *chat.PushCandidate) { c.VisibleFrom = 6 }, false},
		"of an old message":                      {func(c *chat.PushCandidate) { c.At = now - chat.MaxPushAge - 1 }, false},
		"while muted":                            {func(c *chat.PushCandidate) { c.Preferences.MutedUntil = now + 1 }, false},
		"when the mute has ended":                {func(c *chat.PushCandidate) { c.Preferences.MutedUntil = now }, true},
		"mentioned while muted":                  {func(c *chat.PushCandidate) { c.Preferences.MutedUntil, c.Mention = now+1, true }, true},
		"with level mentions":                    {func(c *chat.PushCandidate) { c.Preferences.Notify = chat.NotifyMentions }, false},
		"mentioned with level mentions":          {func(c *chat.PushCandidate) { c.Preferences.Notify, c.Mention = chat.NotifyMentions, true }, true},
		"mentioned with level none":              {func(c *chat.PushCandidate) { c.Preferences.Notify, c.Mention = chat.NotifyNone, true }, false},
		"in a large conversation":                {func(c *chat.PushCandidate) { c.Members = 101 }, false},
		"mentioned in a large conversation":      {func(c *chat.PushCandidate) { c.Members, c.Mention = 101, true }, true},
		"mentioned in what they have read":       {func(c *chat.PushCandidate) { c.ReadSeq, c.Mention = 5, true }, false},
		"mentioned in what they must not see":    {func(c *chat.PushCandidate) { c.VisibleFrom, c.Mention = 6, true }, false},
		"who mentions themselves":                {func(c *chat.PushCandidate) { c.UserID, c.Mention = ann, true }, false},
		"in a conversation of a hundred members": {func(c *chat.PushCandidate) { c.Members = 100 }, true},
	} {
		candidate := base
		c.change(&candidate)
		if got := candidate.Wanted(now); got != c.want {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}
