package service

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

// Signup says who may make an account.
type Signup string

// The ways to sign up.
const (
	SignupOpen   Signup = "open"   // whoever reaches the server
	SignupInvite Signup = "invite" // with a code that an operator made
	SignupClosed Signup = "closed" // nobody; operators add accounts
)

// Valid reports whether it is one of the ways.
func (g Signup) Valid() bool { return g == SignupOpen || g == SignupInvite || g == SignupClosed }

// minSecretBytes is the least length of Deps.Secret.
const minSecretBytes = 32

// SignUpRequest asks for an account.
type SignUpRequest struct {
	Username, Password string
	DisplayName, Email string // may be empty
	Invite             string // needed where Signup is SignupInvite
	Client             Client
	Previous           string // see LogInRequest
}

var (
	errSignupClosed = &chat.Error{Code: chat.CodeForbidden, Reason: "signup_closed", Message: "Nobody can sign up here; ask an operator for an account."}
	errInvite       = &chat.Error{Code: chat.CodeForbidden, Reason: "invite_invalid", Message: "This needs an invitation that is valid and not used."}
	errNameTaken    = &chat.Error{
		Code: chat.CodeConflict, Reason: "username_taken", Message: "This username, or one that looks like it, is taken.",
		Fields: map[string]string{"username": "is taken"},
	}
)

// SignUp makes an account and logs its owner in. An e-mail address is kept as
// what the person says: whether somebody else gave the same is never told.
func (s *Service) SignUp(ctx context.Context, r SignUpRequest) (*LoggedIn, error) {
	if s.Signup == SignupClosed {
		return nil, errSignupClosed
	}
	if err := s.take(ctx, "signup:"+AddressKey(r.Client.Address), s.Limits.SignupsPerHour/3600, s.Limits.SignupsPerHour); err != nil {
		return nil, err
	}
	var id chat.UserID
	if s.Signup == SignupInvite {
		var err error
		if id, err = s.useInvite(ctx, r.Invite); err != nil {
			return nil, err
		}
	}
	account, err := s.addAccount(ctx, id, r)
	if err != nil {
		return nil, err
	}
	s.Logger.InfoContext(ctx, "signed up", "user_id", account.ID, "address", r.Client.Address)
	return s.enter(ctx, account, r.Client, r.Previous)
}

// AddUser makes an account for an operator, whatever the signup mode.
func (s *Service) AddUser(ctx context.Context, r SignUpRequest) (*chat.Account, error) {
	return s.addAccount(ctx, chat.UserID{}, r)
}

func (s *Service) addAccount(ctx context.Context, id chat.UserID, r SignUpRequest) (*chat.Account, error) {
	name, folded, problem := cleanUsername(r.Username)
	if problem == nil {
		problem = validPassword("password", r.Password, name)
	}
	display := r.DisplayName
	if display == "" {
		display = name
	}
	if problem == nil {
		problem = firstProblem(validDisplayName(display), validEmail(r.Email))
	}
	if problem != nil {
		return nil, problem
	}
	_, err := s.Accounts.AccountByUsername(ctx, folded)
	if err == nil {
		return nil, errNameTaken
	}
	if !errors.Is(err, chat.ErrNotFound) {
		return nil, s.hide(ctx, "look for the username", err)
	}
	hash, err := s.hashes.hash(ctx, r.Password)
	if err != nil {
		return nil, s.hide(ctx, "hash password", err)
	}
	if id.IsZero() {
		made, err := s.newID()
		if err != nil {
			return nil, s.hide(ctx, "make id", err)
		}
		id = made
	}
	account := &chat.Account{
		User:   chat.User{ID: id, Username: name, DisplayName: display, CreatedAt: s.now()},
		Folded: folded, Email: r.Email, PasswordHash: hash, Settings: []byte(`{}`),
	}
	err = s.Accounts.CreateAccount(ctx, account)
	if errors.Is(err, chat.ErrConflict) {
		return nil, errNameTaken
	}
	if err != nil {
		return nil, s.hide(ctx, "create account", err)
	}
	return account, nil
}

// An invitation is the id of the account that it makes, and until when, signed.
// So it can be used once without anybody keeping a list: the id is taken then.
const (
	inviteVersion = 1
	inviteMACLen  = 16
	inviteLen     = 1 + 8 + 16 + inviteMACLen
)

// NewInvite makes a code for one sign-up. It ends after the given time.
func (s *Service) NewInvite(life time.Duration) (string, error) {
	id, err := s.newID()
	if err != nil {
		return "", err
	}
	b := append(make([]byte, 0, inviteLen), inviteVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(s.Clock().Add(life).Unix())) //nolint:gosec // not before 1970
	b = append(b, id[:]...)
	return base64.RawURLEncoding.EncodeToString(append(b, s.inviteMAC(b)...)), nil
}

func (s *Service) inviteMAC(b []byte) []byte {
	mac := hmac.New(sha256.New, s.Secret)
	mac.Write([]byte("parley invitation\x00"))
	mac.Write(b)
	return mac.Sum(nil)[:inviteMACLen]
}

// useInvite gives the id of the account that a code makes.
func (s *Service) useInvite(ctx context.Context, code string) (chat.UserID, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(code)
	if err != nil || len(b) != inviteLen || b[0] != inviteVersion || !hmac.Equal(b[inviteLen-inviteMACLen:], s.inviteMAC(b[:inviteLen-inviteMACLen])) {
		return chat.UserID{}, errInvite
	}
	if until := binary.BigEndian.Uint64(b[1:9]); until < uint64(s.Clock().Unix()) { //nolint:gosec // not before 1970
		return chat.UserID{}, errInvite
	}
	id := chat.UserID(b[9:25])
	_, err = s.Accounts.Account(ctx, id)
	switch {
	case err == nil:
		return chat.UserID{}, errInvite
	case errors.Is(err, chat.ErrNotFound):
		return id, nil
	default:
		return chat.UserID{}, s.hide(ctx, "look for the invitation", err)
	}
}
