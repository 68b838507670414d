package service

import (
	"context"
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

// Who is removed while their page is being read gets no entry behind the removal.
func TestAPageEndsWithTheRemovalOfItsReader(t *testing.T) {
	var views *meanwhile
	h := newHouse(t, func(d *Deps) {
		views = &meanwhile{Views: d.Views}
		d.Views = views
	})
	ann, bob, cleo := h.account("ann"), h.account("bob"), h.account("cleo")
	group := h.group(ann, bob, cleo)
	h.say(ann, group, "for all")
	var removal chat.Seq
	views.happens = func() {
		for _, member := range []chat.UserID{cleo, bob} { // the reader is the second
			out, err := h.RemoveMember(t.Context(), MemberRef{UserID: ann, ConversationID: group, MemberID: member})
			if err != nil {
				t.Fatal(err)
			}
			removal = out.Entry.Seq
		}
		h.say(ann, group, "not for bob")
	}
	page, err := h.EntriesAfter(t.Context(), EntriesRequest{UserID: bob, ConversationID: group})
	if err != nil {
		t.Fatal(err)
	}
	if last := page.Items[len(page.Items)-1].Seq; last != removal || page.Head != removal || len(page.Items) != int(removal) {
		t.Errorf("got %d entries up to %d, head %d; want the removal %d as the last", len(page.Items), last, page.Head, removal)
	}
}
