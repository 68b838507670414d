package chat

var errLastOwner = &Error{Code: CodeConflict, Reason: "last_owner", Message: "A conversation needs an owner; name another one first."}

func (s *State) putMember(ch *Change, m Member) {
	s.Members[m.UserID] = &m
	ch.PutMembers = append(ch.PutMembers, m)
}

func applyUpdate(s *State, cmd *Command, actor *Member) (*Change, *Error) {
	if err := May(s.Head.Kind, actor, ActUpdate); err != nil {
		return nil, AsError(err)
	}
	title, avatar := s.Head.Title, s.Head.AvatarID
	if cmd.Title != nil {
		title = *cmd.Title
	}
	if cmd.AvatarID != nil {
		avatar = *cmd.AvatarID
	}
	if title == s.Head.Title && avatar == s.Head.AvatarID {
		return nil, nil
	}
	s.Head.Title, s.Head.AvatarID = title, avatar
	return &Change{Entry: &Entry{Kind: KindUpdated, Title: title, AvatarID: avatar}}, nil
}

func applyAdd(s *State, cmd *Command, actor *Member) (*Change, *Error) {
	if err := May(s.Head.Kind, actor, ActAddMembers); err != nil {
		return nil, AsError(err)
	}
	var fresh []UserID
	seen := make(map[UserID]bool, len(cmd.UserIDs))
	for _, id := range cmd.UserIDs {
		if s.Members[id] == nil && !seen[id] {
			seen[id] = true
			fresh = append(fresh, id)
		}
	}
	if len(fresh) == 0 {
		return nil, nil
	}
	return s.admit(fresh, cmd.At)
}

// admit makes people members who are not.
func (s *State) admit(fresh []UserID, at Time) (*Change, *Error) {
	ch := &Change{Entry: &Entry{Kind: KindMemberAdded, Role: RoleMember}}
	seq := s.Head.Seq + 1
	visible := seq
	if s.Head.Kind == Channel {
		visible = 1
	}
	if s.Head.Members+len(fresh) > MaxMembers {
		return nil, &Error{Code: CodeTooLarge, Reason: "limit_exceeded", Message: "A conversation holds at most 100,000 members."}
	}
	for _, id := range fresh {
		s.putMember(ch, Member{UserID: id, Role: RoleMember, VisibleFrom: visible, JoinedSeq: seq, JoinedAt: at, LastClientID: unknownClientID})
	}
	ch.Entry.UserIDs = fresh
	s.Head.Members += len(fresh)
	return ch, nil
}

// applyJoin lets the actor in. That they were invited is for the edge to know: an
// invitation is a secret, and the log keeps none.
func applyJoin(s *State, cmd *Command) (*Change, *Error) {
	if s.Head.Kind == Direct || s.Head.Members == 0 { // whoever comes last finds nobody to be let in by
		return nil, ErrNotFound
	}
	if s.Members[cmd.ActorID] != nil {
		return nil, nil
	}
	return s.admit([]UserID{cmd.ActorID}, cmd.At)
}

func applyRemove(s *State, cmd *Command, actor *Member) (*Change, *Error) {
	id := cmd.UserIDs[0]
	act := ActRemoveMembers
	if id == actor.UserID {
		act = ActLeave
	}
	if err := May(s.Head.Kind, actor, act); err != nil {
		return nil, AsError(err)
	}
	m := s.Members[id]
	if m == nil {
		return nil, ErrNotFound
	}
	if act == ActRemoveMembers && actor.Role != RoleOwner && m.Role.rank() >= actor.Role.rank() {
		return nil, ErrForbidden
	}
	if m.Role == RoleOwner {
		if s.Head.Owners == 1 && s.Head.Members > 1 {
			return nil, errLastOwner
		}
		s.Head.Owners--
	}
	s.Head.Members--
	s.Members[id] = nil
	return &Change{Entry: &Entry{Kind: KindMemberRemoved, UserIDs: []UserID{id}}, RemoveMembers: []UserID{id}}, nil
}

func applyRole(s *State, cmd *Command, actor *Member) (*Change, *Error) {
	if err := May(s.Head.Kind, actor, ActSetRoles); err != nil {
		return nil, AsError(err)
	}
	m := s.Members[cmd.UserIDs[0]]
	if m == nil {
		return nil, ErrNotFound
	}
	if m.Role == cmd.Role {
		return nil, nil
	}
	if actor.Role != RoleOwner && (m.Role.rank() > actor.Role.rank() || cmd.Role.rank() > actor.Role.rank() ||
		m.Role.rank() == actor.Role.rank() && m.UserID != actor.UserID) {
		return nil, ErrForbidden
	}
	if m.Role == RoleOwner {
		if s.Head.Owners == 1 {
			return nil, errLastOwner
		}
		s.Head.Owners--
	}
	if cmd.Role == RoleOwner {
		s.Head.Owners++
	}
	next := *m
	next.Role = cmd.Role
	ch := &Change{Entry: &Entry{Kind: KindRole, UserIDs: []UserID{m.UserID}, Role: cmd.Role}}
	s.putMember(ch, next)
	return ch, nil
}
