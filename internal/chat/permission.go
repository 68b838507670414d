package chat

// Role is what a member may do in a conversation.
type Role string

// The roles, from most to least. In a direct conversation everyone is RoleMember.
const (
	RoleOwner  Role = "owner"
	RoleAdmin  Role = "admin"
	RoleMember Role = "member"
)

// rank orders roles; an unknown role ranks below all.
func (r Role) rank() int {
	switch r {
	case RoleOwner:
		return 3
	case RoleAdmin:
		return 2
	case RoleMember:
		return 1
	default:
		return 0
	}
}

// Valid reports whether r is one of the roles.
func (r Role) Valid() bool { return r.rank() > 0 }

// Member is one person's place in a conversation.
type Member struct {
	UserID UserID `json:"user_id"`
	Role   Role   `json:"role"`
	// VisibleFrom is the first seq that the member may see.
	VisibleFrom Seq `json:"visible_from"`
	// JoinedSeq is the entry that made them a member.
	JoinedSeq Seq  `json:"joined_seq"`
	JoinedAt  Time `json:"joined_at"`
	// LastClientID is the greatest client id, in the order of bytes, among the
	// messages that the person ever sent in the conversation: a greater one was
	// never used, and need not be looked up. Clients whose ids grow with time
	// (UUIDv7) so cost no look-up. It counts only where a State was loaded.
	LastClientID string `json:"-"`
}

// unknownClientID is above every client id: all of the member's are looked up.
const unknownClientID = "\xff"

// Sees reports whether the member may see the entry at seq. It is asked for
// every entry before it leaves the server: in pages, catch-up, search and live
// delivery. A nil member (not a member) sees nothing.
func (m *Member) Sees(seq Seq) bool { return m != nil && seq >= m.VisibleFrom }

// Action is something that a member may or may not do.
type Action string

// The actions, as the permission matrix lists them.
const (
	ActRead          Action = "read"           // entries, messages, members, receipts, files; also: mark read, type
	ActSend          Action = "send"           // a message
	ActEditOwn       Action = "edit_own"       // one's own message
	ActDeleteOwn     Action = "delete_own"     // one's own message
	ActDeleteOthers  Action = "delete_others"  // somebody else's message
	ActEditOthers    Action = "edit_others"    // nobody may
	ActReact         Action = "react"          // to a message one sees
	ActUpdate        Action = "update"         // title and avatar
	ActAddMembers    Action = "add_members"    // with the role member
	ActRemoveMembers Action = "remove_members" // of a lower rank
	ActSetRoles      Action = "set_roles"      // up to one's own rank, of people of a lower rank
	ActLeave         Action = "leave"          // oneself
	ActPin           Action = "pin"            // a message one sees
	ActInvite        Action = "invite"         // make links by which people join, list and revoke them
	ActBlock         Action = "block"          // the other person of a direct conversation
	ActCall          Action = "call"           // everybody of the conversation
)

// May decides whether a member (nil: not a member) may do an action in a
// conversation of the given kind. Non-members get ErrNotFound: what one may not
// see does not exist. It is the only place where roles are turned into rights.
func May(kind ConversationKind, m *Member, act Action) error {
	if m == nil || !m.Role.Valid() {
		return ErrNotFound
	}
	ok := false
	switch act {
	case ActRead, ActSend, ActEditOwn, ActDeleteOwn, ActReact:
		ok = true
	case ActCall:
		ok = kind != Channel
	case ActLeave:
		ok = kind != Direct
	case ActBlock:
		ok = kind == Direct
	case ActPin:
		ok = kind == Direct || m.Role.rank() >= RoleAdmin.rank()
	case ActDeleteOthers, ActUpdate, ActAddMembers, ActRemoveMembers, ActSetRoles, ActInvite:
		ok = kind != Direct && m.Role.rank() >= RoleAdmin.rank()
	case ActEditOthers:
	}
	if !ok {
		return ErrForbidden
	}
	return nil
}
