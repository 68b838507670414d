package service

import (
	"context"
	"errors"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/sabotage"
)

const (
	// MaxPage bounds a page of messages or of any list; larger wishes are cut to it.
	MaxPage = 200
	// DefaultPage is used where no limit is given.
	DefaultPage = 50
	// MaxEntries bounds a page of entries.
	MaxEntries = 1_000
	// maxEntriesBytes is about where a page of entries ends early.
	maxEntriesBytes = 1 << 20
)

// member gives somebody's place in a conversation if they may do something there.
// Whoever is not a member gets ErrNotFound, as for what does not exist. It waits a
// moment for a store that lags; what one that still does refuses is not certain.
func (s *Service) member(ctx context.Context, user chat.UserID, id chat.ConversationID, act chat.Action) (*chat.Member, error) {
	m, err := s.memberNow(ctx, user, id, act)
	if err == nil || s.Told.Last(id) == 0 || !refusal(err) {
		return m, err
	}
	behind := s.fresh(ctx, id)
	if m, err = s.memberNow(ctx, user, id, act); refusal(err) && behind > 0 {
		return nil, errBehind()
	}
	return m, err
}

func refusal(err error) bool {
	return errors.Is(err, chat.ErrNotFound) || errors.Is(err, chat.ErrForbidden)
}

// memberNow is member as the store says it.
func (s *Service) memberNow(ctx context.Context, user chat.UserID, id chat.ConversationID, act chat.Action) (*chat.Member, error) {
	m, kind, err := s.Views.Member(ctx, id, user)
	if err != nil && !errors.Is(err, chat.ErrNotFound) {
		return nil, s.hide(ctx, "find member", err)
	}
	if err != nil {
		m = nil
	}
	if err := chat.May(kind, m, act); err != nil {
		return nil, err
	}
	return m, nil
}

// Member gives somebody's place in a conversation that they may read, or ErrNotFound.
func (s *Service) Member(ctx context.Context, user chat.UserID, id chat.ConversationID) (*chat.Member, error) {
	return s.member(ctx, user, id, chat.ActRead)
}

// Entries is a part of the log of a conversation.
type Entries struct {
	Items []chat.RawEntry
	// Head is the last seq of the conversation.
	Head chat.Seq
}

// EntriesRequest asks for the entries after a seq. Limit is cut to MaxEntries,
// MaxBytes to 1 MiB; zero means the most.
type EntriesRequest struct {
	UserID         chat.UserID
	ConversationID chat.ConversationID
	After          chat.Seq
	Limit          int
	MaxBytes       int
}

// EntriesAfter gives the raw log after a seq, ascending, from the first entry
// that the reader may see. Where the store does not show yet what was told, Head is
// ahead of the items; if there is no item to give, the answer is ErrUnavailable.
func (s *Service) EntriesAfter(ctx context.Context, r EntriesRequest) (*Entries, error) {
	if r.After < 0 || r.After > chat.MaxSeq {
		return nil, chat.Invalid("after", "is not a seq")
	}
	m, err := s.member(ctx, r.UserID, r.ConversationID, chat.ActRead)
	if err != nil {
		return nil, err
	}
	out, err := s.entriesNow(ctx, r, m)
	var behind chat.Seq
	if err == nil && len(out.Items) == 0 && s.Told.Last(r.ConversationID) > r.After {
		behind = s.fresh(ctx, r.ConversationID)
		out, err = s.entriesNow(ctx, r, m)
	}
	switch {
	case err != nil:
		return nil, err
	case len(out.Items) == 0 && behind > r.After:
		return nil, errBehind() // "nothing" would be a lie
	}
	if err := s.remains(ctx, r.UserID, r.ConversationID, m); err != nil {
		return nil, err
	}
	return out, nil
}

// remains makes sure, when something has been read, that the reader is the member
// still that they were before: they may have been removed meanwhile, and what was read
// may have been written after that.
func (s *Service) remains(ctx context.Context, user chat.UserID, id chat.ConversationID, before *chat.Member) error {
	now, err := s.memberNow(ctx, user, id, chat.ActRead)
	if err != nil {
		return err
	}
	if now.JoinedSeq != before.JoinedSeq { // away and back: what they may see has changed
		return errBehind()
	}
	return nil
}

// entriesNow is EntriesAfter as the store says it, but for the head.
func (s *Service) entriesNow(ctx context.Context, r EntriesRequest, m *chat.Member) (*Entries, error) {
	if sabotage.ReplayOffByOne {
		r.After++
	}
	items, err := s.Views.Entries(ctx, r.ConversationID, max(r.After, m.VisibleFrom-1), upTo(r.Limit, MaxEntries, MaxEntries), upTo(r.MaxBytes, maxEntriesBytes, maxEntriesBytes))
	if err != nil {
		return nil, s.hide(ctx, "read entries", err)
	}
	heads, err := s.Views.Heads(ctx, []chat.ConversationID{r.ConversationID})
	if err != nil {
		return nil, s.hide(ctx, "read head", err)
	}
	out := &Entries{Items: items[:0], Head: max(heads[r.ConversationID], s.Told.Last(r.ConversationID))}
	for _, e := range items {
		if !m.Sees(e.Seq) {
			continue
		}
		out.Items = append(out.Items, e)
		out.Head = max(out.Head, e.Seq)
	}
	return out, nil
}

// Messages is a page of folded messages, ascending by seq.
type Messages struct {
	Items               []chat.Message
	HasBefore, HasAfter bool
}

// MessagesRequest asks for a page of messages; at most one of Before, After and
// Around is set, none means the newest. Limit is cut to MaxPage.
type MessagesRequest struct {
	UserID                chat.UserID
	ConversationID        chat.ConversationID
	Before, After, Around chat.Seq
	Limit                 int
}

// History gives a page of a conversation's messages.
func (s *Service) History(ctx context.Context, r MessagesRequest) (*Messages, error) {
	set := 0
	for field, seq := range map[string]chat.Seq{"before": r.Before, "after": r.After, "around": r.Around} {
		if seq < 0 || seq > chat.MaxSeq {
			return nil, chat.Invalid(field, "is not a seq")
		}
		if seq > 0 {
			set++
		}
	}
	if set > 1 {
		return nil, chat.Invalid("before", "use only one of before, after and around")
	}
	m, err := s.member(ctx, r.UserID, r.ConversationID, chat.ActRead)
	if err != nil {
		return nil, err
	}
	if r.Before == 0 {
		s.fresh(ctx, r.ConversationID) // as far as it goes
	}
	items, err := s.Views.Messages(ctx, r.ConversationID, chat.MessageQuery{
		Before: r.Before, After: r.After, Around: r.Around, Limit: upTo(r.Limit, DefaultPage, MaxPage), VisibleFrom: m.VisibleFrom,
	})
	if err != nil {
		return nil, s.hide(ctx, "read messages", err)
	}
	out := &Messages{Items: items[:0]}
	for _, msg := range items {
		if m.Sees(msg.Seq) {
			out.Items = append(out.Items, msg)
		}
	}
	if err := s.ends(ctx, r, m, out); err != nil {
		return nil, err
	}
	if err := s.remains(ctx, r.UserID, r.ConversationID, m); err != nil {
		return nil, err
	}
	return out, nil
}

// ends finds out whether there is more on either side of a page.
func (s *Service) ends(ctx context.Context, r MessagesRequest, m *chat.Member, page *Messages) error {
	probe := func(q chat.MessageQuery) (bool, error) {
		q.Limit, q.VisibleFrom = 1, m.VisibleFrom
		found, err := s.Views.Messages(ctx, r.ConversationID, q)
		return len(found) > 0, s.shown(ctx, "read messages", err)
	}
	var err error
	first, last := max(r.Before, r.After, r.Around), max(r.Before-1, r.After, r.Around)
	if n := len(page.Items); n > 0 {
		first, last = page.Items[0].Seq, page.Items[n-1].Seq
	} else if first == 0 {
		return nil // there is no message at all
	} else if r.After > 0 {
		first++
	}
	if page.HasBefore, err = probe(chat.MessageQuery{Before: first}); err != nil {
		return err
	}
	if r.Before == 0 && r.After == 0 && r.Around == 0 {
		return nil // the newest page has nothing after it
	}
	page.HasAfter, err = probe(chat.MessageQuery{After: last})
	return err
}

// Message gives one message as a member sees it, or ErrNotFound.
func (s *Service) Message(ctx context.Context, m MessageRef) (*chat.Message, error) {
	member, err := s.member(ctx, m.UserID, m.ConversationID, chat.ActRead)
	if err != nil {
		return nil, err
	}
	if m.Seq < 1 || m.Seq > chat.MaxSeq || !member.Sees(m.Seq) {
		return nil, chat.ErrNotFound
	}
	found, err := s.messageNow(ctx, m, member)
	if errors.Is(err, chat.ErrNotFound) && m.Seq <= s.Told.Last(m.ConversationID) {
		behind := s.fresh(ctx, m.ConversationID)
		if found, err = s.messageNow(ctx, m, member); errors.Is(err, chat.ErrNotFound) && m.Seq <= behind {
			return nil, errBehind()
		}
	}
	if err != nil {
		return nil, err
	}
	if err := s.remains(ctx, m.UserID, m.ConversationID, member); err != nil {
		return nil, err
	}
	return found, nil
}

// messageNow is Message as the store says it.
func (s *Service) messageNow(ctx context.Context, m MessageRef, member *chat.Member) (*chat.Message, error) {
	found, err := s.Views.Messages(ctx, m.ConversationID, chat.MessageQuery{Around: m.Seq, Limit: 1, VisibleFrom: member.VisibleFrom})
	if err != nil {
		return nil, s.hide(ctx, "read message", err)
	}
	for i := range found {
		if found[i].Seq == m.Seq {
			return &found[i], nil
		}
	}
	return nil, chat.ErrNotFound
}

// shown is hide for an error that may be nil.
func (s *Service) shown(ctx context.Context, verb string, err error) error {
	if err == nil {
		return nil
	}
	return s.hide(ctx, verb, err)
}

// upTo cuts a wish to what is allowed; zero and less mean the default.
func upTo(wish, def, most int) int {
	if wish <= 0 {
		return def
	}
	return min(wish, most)
}
