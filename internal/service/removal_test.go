package service

import (
	"context"
	"errors"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
)

// meanwhile is views in which something happens between the question who somebody is
// and the reading of entries.
type meanwhile struct {
	chat.Views
	happens func()
}

func (m *meanwhile) Entries(ctx context.Context, id chat.ConversationID, after chat.Seq, limit, maxBytes int) ([]chat.RawEntry, error) {
	if f := m.happens; f != nil {
		m.happens = nil
		f()
	}
	return m.Views.Entries(ctx, id, after, limit, maxBytes)
}

// Who is removed while their page is being read gets nothing of it: what is behind the
// removal was not meant for them.
func TestWhoIsRemovedMeanwhileReadsNothing(t *testing.T) {
	var views *meanwhile
	h := newHouse(t, func(d *Deps) {
		views = &meanwhile{Views: d.Views}
		d.Views = views
	})
	ann, bob, cleo := h.account("ann"), h.account("bob"), h.account("cleo")
	group := h.group(ann, bob, cleo)
	h.say(ann, group, "for all")
	views.happens = func() {
		for _, member := range []chat.UserID{cleo, bob} { // the reader is the second
			if _, err := h.RemoveMember(t.Context(), MemberRef{UserID: ann, ConversationID: group, MemberID: member}); err != nil {
				t.Fatal(err)
			}
		}
		h.say(ann, group, "not for bob")
	}
	page, err := h.EntriesAfter(t.Context(), EntriesRequest{UserID: bob, ConversationID: group})
	if !errors.Is(err, chat.ErrNotFound) || page != nil {
		t.Errorf("got %+v, %v; want ErrNotFound", page, err)
	}
}
