package chat

import (
	"slices"
)

// Apply decides one command on the state it meets, and changes the state
// accordingly. It returns the change; nil with an outcome entry when the command
// had been applied before; or the reason of the refusal, with the state as it was.
//
// Apply is pure and deterministic: the result depends on its arguments only.
// Every fact that cmd.Needs names must be loaded. It never panics, whatever the
// command holds.
func Apply(s *State, cmd *Command) (*Change, *Entry, *Error) {
	if err := cmd.Validate(); err != nil {
		return nil, nil, err
	}
	if cmd.Kind == CmdCreate {
		return applyCreate(s, cmd)
	}
	if s.Head == nil {
		return nil, nil, ErrNotFound
	}
	if cmd.Kind == CmdJoin {
		ch, err := applyJoin(s, cmd)
		if err != nil || ch == nil {
			return nil, nil, err
		}
		return finish(s, cmd, ch), nil, nil
	}
	actor := s.Members[cmd.ActorID]
	if err := May(s.Head.Kind, actor, ActRead); err != nil {
		return nil, nil, AsError(err)
	}
	var ch *Change
	var first *Entry
	var err *Error
	switch cmd.Kind {
	case CmdSend:
		ch, first, err = applySend(s, cmd, actor)
	case CmdEdit:
		ch, err = applyEdit(s, cmd, actor)
	case CmdDelete:
		ch, err = applyDelete(s, cmd, actor)
	case CmdReact:
		ch, err = applyReact(s, cmd, actor)
	case CmdUpdate:
		ch, err = applyUpdate(s, cmd, actor)
	case CmdAddMembers:
		ch, err = applyAdd(s, cmd, actor)
	case CmdRemoveMember:
		ch, err = applyRemove(s, cmd, actor)
	case CmdSetRole:
		ch, err = applyRole(s, cmd, actor)
	case CmdPin:
		ch, err = applyPin(s, cmd, actor)
	case CmdBlock:
		ch, err = applyBlock(s, cmd, actor)
	case CmdCall:
		ch, first, err = applyCall(s, cmd, actor)
	case CmdCreate, CmdJoin:
	}
	if err != nil || ch == nil {
		return nil, first, err
	}
	return finish(s, cmd, ch), nil, nil
}

// finish numbers the entry, moves the head and completes the change.
func finish(s *State, cmd *Command, ch *Change) *Change {
	s.Head.Seq++
	e := ch.Entry
	e.ConversationID, e.Seq, e.At, e.SenderID = s.ID, s.Head.Seq, cmd.At, cmd.ActorID
	switch e.Kind {
	case KindMessage:
		s.Head.Messages++
		s.Head.LastMessage = e.Seq
		s.Head.ActiveAt = max(s.Head.ActiveAt, e.At)
		e.Ordinal = s.Head.Messages
		s.Sent[e.SentKey()] = e
		actor := s.Members[e.SenderID]
		actor.LastClientID = max(actor.LastClientID, e.ClientID)
		s.Messages[e.Seq] = &MessageState{Seq: e.Seq, SenderID: e.SenderID, Ordinal: e.Ordinal}
	case KindCall:
		s.Head.ActiveAt = max(s.Head.ActiveAt, e.At)
		s.Sent[e.SentKey()] = e
	case KindCreated, KindEdit, KindDelete, KindReaction, KindMemberAdded, KindMemberRemoved, KindRole, KindUpdated,
		KindPin, KindBlock:
	}
	ch.Head = *s.Head
	return ch
}

func applyCreate(s *State, cmd *Command) (*Change, *Entry, *Error) {
	if s.Head != nil {
		if s.Members[cmd.ActorID] == nil {
			return nil, nil, ErrConflict
		}
		return nil, nil, nil // the same pair gives the same conversation
	}
	head := &Conversation{
		ID: s.ID, Kind: cmd.ConversationKind, CreatedBy: cmd.ActorID, CreatedAt: cmd.At, ActiveAt: cmd.At,
	}
	if cmd.ConversationKind != Direct {
		head.Title = *cmd.Title
		if cmd.AvatarID != nil {
			head.AvatarID = *cmd.AvatarID
		}
	}
	s.Head = head
	ch := &Change{Entry: &Entry{Kind: KindCreated, ConversationKind: head.Kind, Title: head.Title, AvatarID: head.AvatarID}}
	for _, id := range append([]UserID{cmd.ActorID}, cmd.UserIDs...) {
		if s.Members[id] != nil {
			continue
		}
		m := Member{UserID: id, Role: RoleMember, VisibleFrom: 1, JoinedSeq: 1, JoinedAt: cmd.At}
		if id == cmd.ActorID && head.Kind != Direct {
			m.Role = RoleOwner
			head.Owners++
		}
		head.Members++
		s.putMember(ch, m)
		ch.Entry.UserIDs = append(ch.Entry.UserIDs, id)
	}
	return finish(s, cmd, ch), nil, nil
}

func applySend(s *State, cmd *Command, actor *Member) (*Change, *Entry, *Error) {
	if err := May(s.Head.Kind, actor, ActSend); err != nil {
		return nil, nil, AsError(err)
	}
	key, _ := cmd.SentKey()
	if first := s.Sent[key]; first != nil {
		if !first.Redacted && !sameMessage(first, cmd) {
			return nil, nil, &Error{Code: CodeConflict, Reason: "idempotency_conflict", Message: "This client_id was used for another message."}
		}
		return nil, first, nil
	}
	if err := s.blocked(actor, true); err != nil {
		return nil, nil, err
	}
	if cmd.ReplyTo > 0 {
		if t := s.Messages[cmd.ReplyTo]; t == nil || !actor.Sees(cmd.ReplyTo) {
			return nil, nil, Invalid("reply_to", "is not a message of this conversation")
		}
	}
	return &Change{Entry: &Entry{
		Kind: KindMessage, ClientID: cmd.ClientID, Text: cmd.Text, ReplyTo: cmd.ReplyTo, Attachments: cmd.Attachments,
		Mentions: s.membersOf(cmd.Mentions),
	}}, nil, nil
}

// membersOf gives those who are members.
func (s *State) membersOf(ids []UserID) []UserID {
	var out []UserID
	for _, id := range ids {
		if s.Members[id] != nil {
			out = append(out, id)
		}
	}
	return out
}

func sameMessage(e *Entry, cmd *Command) bool {
	return e.Text == cmd.Text && e.ReplyTo == cmd.ReplyTo &&
		slices.EqualFunc(e.Attachments, cmd.Attachments, func(a, b Attachment) bool { return a.ID == b.ID })
}

// target finds the message that a command is about; one that is not visible to
// the actor does not exist for them.
func (s *State) target(cmd *Command, actor *Member) (*MessageState, *Error) {
	m := s.Messages[cmd.Target]
	if m == nil || !actor.Sees(cmd.Target) {
		return nil, ErrNotFound
	}
	return m, nil
}

var errDeleted = &Error{Code: CodeConflict, Reason: "deleted", Message: "The message was deleted."}

func applyEdit(s *State, cmd *Command, actor *Member) (*Change, *Error) {
	m, err := s.target(cmd, actor)
	if err != nil {
		return nil, err
	}
	act := ActEditOwn
	if m.SenderID != actor.UserID {
		act = ActEditOthers
	}
	if err := May(s.Head.Kind, actor, act); err != nil {
		return nil, AsError(err)
	}
	if err := s.blocked(actor, false); err != nil {
		return nil, err
	}
	if m.DeletedAt != 0 {
		return nil, errDeleted
	}
	if m.EditedAt != 0 && m.Text == cmd.Text {
		return nil, nil
	}
	if len(m.Edits) >= MaxEdits {
		return nil, &Error{Code: CodeTooLarge, Reason: "limit_exceeded", Message: "A message can be edited at most 1,000 times."}
	}
	m.Text, m.EditedAt = cmd.Text, cmd.At
	m.Edits = append(slices.Clip(m.Edits), s.Head.Seq+1)
	return &Change{Entry: &Entry{Kind: KindEdit, Target: cmd.Target, Text: cmd.Text}, PutMessage: m.clone()}, nil
}

func applyDelete(s *State, cmd *Command, actor *Member) (*Change, *Error) {
	m, err := s.target(cmd, actor)
	if err != nil {
		return nil, err
	}
	act := ActDeleteOwn
	if m.SenderID != actor.UserID {
		act = ActDeleteOthers
	}
	if err := May(s.Head.Kind, actor, act); err != nil {
		return nil, AsError(err)
	}
	if m.DeletedAt != 0 {
		return nil, nil
	}
	redact := append([]Seq{m.Seq}, m.Edits...)
	if m.PinnedAt != 0 {
		s.Head.Pins--
	}
	*m = MessageState{Seq: m.Seq, SenderID: m.SenderID, Ordinal: m.Ordinal, DeletedAt: cmd.At}
	for key, e := range s.Sent {
		if e != nil && e.Seq == m.Seq {
			gone := *e
			gone.Redact()
			s.Sent[key] = &gone
		}
	}
	return &Change{Entry: &Entry{Kind: KindDelete, Target: cmd.Target}, PutMessage: m.clone(), Redact: redact}, nil
}

func applyReact(s *State, cmd *Command, actor *Member) (*Change, *Error) {
	m, err := s.target(cmd, actor)
	if err != nil {
		return nil, err
	}
	if err := May(s.Head.Kind, actor, ActReact); err != nil {
		return nil, AsError(err)
	}
	if err := s.blocked(actor, false); err != nil {
		return nil, err
	}
	if m.DeletedAt != 0 {
		return nil, errDeleted
	}
	i := slices.IndexFunc(m.Reactions, func(r Reaction) bool { return r.Emoji == cmd.Emoji })
	given := i >= 0 && slices.Contains(m.Reactions[i].UserIDs, cmd.ActorID)
	if given == cmd.On {
		return nil, nil
	}
	next := m.clone()
	switch {
	case !cmd.On:
		r := &next.Reactions[i]
		r.UserIDs = slices.DeleteFunc(r.UserIDs, func(id UserID) bool { return id == cmd.ActorID })
		if len(r.UserIDs) == 0 {
			next.Reactions = slices.Delete(next.Reactions, i, i+1)
		}
	case i >= 0:
		next.Reactions[i].UserIDs = append(next.Reactions[i].UserIDs, cmd.ActorID)
	case len(m.Reactions) >= MaxReactionKinds:
		return nil, &Error{Code: CodeTooLarge, Reason: "limit_exceeded", Message: "A message holds at most 50 different reactions."}
	default:
		next.Reactions = append(next.Reactions, Reaction{Emoji: cmd.Emoji, UserIDs: []UserID{cmd.ActorID}})
	}
	s.Messages[m.Seq] = next
	return &Change{Entry: &Entry{Kind: KindReaction, Target: cmd.Target, Emoji: cmd.Emoji, On: cmd.On}, PutMessage: next.clone()}, nil
}

// clone copies the state of a message deeply: a change that was handed out does
// not move when a later command does.
func (m *MessageState) clone() *MessageState {
	out := *m
	out.Edits = slices.Clone(m.Edits)
	out.Reactions = slices.Clone(m.Reactions)
	for i := range out.Reactions {
		out.Reactions[i].UserIDs = slices.Clone(out.Reactions[i].UserIDs)
	}
	return &out
}
