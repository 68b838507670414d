package service

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/parley-chat/parley/internal/chat"
)

// Bounds of a profile.
const (
	MaxDisplayName   = 64       // characters
	MaxBio           = 500      // characters
	MaxEmail         = 254      // bytes (RFC 5321 section 4.5.3.1.3)
	MaxSettingsBytes = 16 << 10 // of JSON
	maxQuery         = 64       // characters of a search for people
)

// Me gives a person's own account, or while the store cannot be reached what it
// was a moment ago. It must not be shown as it is, and not be changed.
func (s *Service) Me(ctx context.Context, user chat.UserID) (*chat.Account, error) {
	known, remembered := s.accounts.get(user, s.now())
	if remembered && s.Away() {
		return known, nil
	}
	account, err := s.Accounts.Account(ctx, user)
	if err == nil {
		s.accounts.put(account, s.now())
		return account, nil
	}
	err = s.hide(ctx, "read account", err)
	if remembered && errors.Is(err, chat.ErrUnavailable) {
		return known, nil
	}
	return nil, err
}

// User gives somebody's public profile.
func (s *Service) User(ctx context.Context, id chat.UserID) (*chat.User, error) {
	users, err := s.Accounts.Users(ctx, []chat.UserID{id})
	if err != nil {
		return nil, s.hide(ctx, "read profile", err)
	}
	if len(users) == 0 {
		return nil, chat.ErrNotFound
	}
	return &users[0], nil
}

// Users gives the public profiles of those of these people who exist.
func (s *Service) Users(ctx context.Context, ids []chat.UserID) (map[chat.UserID]chat.User, error) {
	found, err := s.Accounts.Users(ctx, ids)
	if err != nil {
		return nil, s.hide(ctx, "read profiles", err)
	}
	out := make(map[chat.UserID]chat.User, len(ids))
	for _, id := range ids {
		out[id] = chat.User{ID: id} // whoever is gone is a name no more
	}
	for i := range found {
		out[found[i].ID] = found[i]
	}
	return out, nil
}

// FindUsers finds people by username or name. Limit is cut to MaxPage.
func (s *Service) FindUsers(ctx context.Context, query, cursor string, limit int) (chat.Page[chat.User], error) {
	query, err := nameQuery(query)
	if err != nil {
		return chat.Page[chat.User]{}, err
	}
	if utf8.RuneCountInString(query) > maxQuery {
		return chat.Page[chat.User]{}, nil // no name is that long
	}
	page, err := s.Accounts.SearchUsers(ctx, query, cursor, upTo(limit, DefaultPage, MaxPage))
	return page, s.shown(ctx, "find people", err)
}

// nameQuery reads what is looked for in names.
func nameQuery(query string) (string, error) {
	if !utf8.ValidString(query) || strings.ContainsRune(query, 0) {
		return "", chat.Invalid("query", "is not text")
	}
	return strings.TrimSpace(query), nil
}

// ProfileRequest changes one's own profile; nil leaves as it is, and an empty
// value removes (AvatarID zero, Email "").
type ProfileRequest struct {
	DisplayName, Bio, Email *string
	AvatarID                *chat.FileID
	Settings                json.RawMessage // replaces the whole object
}

func (r *ProfileRequest) validate() *chat.Error {
	if r.DisplayName != nil {
		if err := validDisplayName(*r.DisplayName); err != nil {
			return err
		}
	}
	if r.Bio != nil {
		if err := validBio(*r.Bio); err != nil {
			return err
		}
	}
	if r.Email != nil {
		if err := validEmail(*r.Email); err != nil {
			return err
		}
	}
	if r.Settings != nil {
		return validSettings(r.Settings)
	}
	return nil
}

// UpdateProfile changes one's own profile and tells one's other devices.
func (s *Service) UpdateProfile(ctx context.Context, user chat.UserID, r ProfileRequest) (*chat.Account, error) {
	if err := r.validate(); err != nil {
		return nil, err
	}
	if err := s.takeChange(ctx, user); err != nil {
		return nil, err
	}
	if r.AvatarID != nil && !r.AvatarID.IsZero() {
		if err := s.useAvatar(ctx, user, *r.AvatarID); err != nil {
			return nil, err
		}
	}
	account, err := s.Accounts.UpdateAccount(ctx, user, func(a *chat.Account) error {
		set(&a.DisplayName, r.DisplayName)
		set(&a.Bio, r.Bio)
		set(&a.Email, r.Email)
		set(&a.AvatarID, r.AvatarID)
		if r.Settings != nil {
			a.Settings = r.Settings
		}
		return nil
	})
	if err != nil {
		return nil, s.hide(ctx, "update profile", err)
	}
	s.publish(ctx, chat.Event{
		Topic: chat.Topic{Kind: chat.TopicUser, ID: user}, Kind: chat.EventProfile, Data: []byte(`{"user_id":"` + user.String() + `"}`),
	})
	return account, nil
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// useAvatar makes one's own picture fit to be shown to everybody who is logged in.
func (s *Service) useAvatar(ctx context.Context, user chat.UserID, id chat.FileID) error {
	file, err := s.Files.File(ctx, id)
	if err == nil && (file.OwnerID != user || file.Width == 0) {
		err = chat.ErrNotFound
	}
	if err == nil {
		err = s.Files.MarkAvatar(ctx, user, id)
	}
	if errors.Is(err, chat.ErrNotFound) {
		return chat.Invalid("avatar_id", "is not a picture of yours")
	}
	return s.shown(ctx, "use picture", err)
}

// ChangePassword needs the present password. It ends all other sessions.
func (s *Service) ChangePassword(ctx context.Context, p Principal, present, next string) error {
	if err := s.takeLogin(ctx, "password:"+p.UserID.String()); err != nil {
		return err
	}
	account, err := s.Accounts.Account(ctx, p.UserID)
	if err != nil {
		return s.hide(ctx, "change password", err)
	}
	if problem := validPassword("password", next, account.Username); problem != nil {
		return problem
	}
	ok, err := s.hashes.check(ctx, cut(present), account.PasswordHash)
	if err != nil {
		return s.hide(ctx, "change password", err)
	}
	if !ok {
		return &chat.Error{
			Code: chat.CodeForbidden, Reason: "bad_credentials", Message: "The present password is wrong.",
			Fields: map[string]string{"current_password": "is wrong"},
		}
	}
	return s.storePassword(ctx, p.UserID, next, p.SessionID)
}

// SetPassword is for operators. It ends all sessions of the account.
func (s *Service) SetPassword(ctx context.Context, user chat.UserID, next string) error {
	account, err := s.Accounts.Account(ctx, user)
	if err != nil {
		return s.hide(ctx, "set password", err)
	}
	if problem := validPassword("password", next, account.Username); problem != nil {
		return problem
	}
	return s.storePassword(ctx, user, next, chat.SessionID{})
}

func (s *Service) storePassword(ctx context.Context, user chat.UserID, next string, keep chat.SessionID) error {
	hash, err := s.hashes.hash(ctx, next)
	if err != nil {
		return s.hide(ctx, "hash password", err)
	}
	_, err = s.Accounts.UpdateAccount(ctx, user, func(a *chat.Account) error {
		a.PasswordHash = hash
		return nil
	})
	if err != nil {
		return s.hide(ctx, "store password", err)
	}
	s.Logger.InfoContext(ctx, "password changed", "user_id", user)
	return s.RevokeAll(ctx, user, keep)
}

// Disable bars an account, or admits it again. A barred one is logged out everywhere.
func (s *Service) Disable(ctx context.Context, user chat.UserID, disabled bool) error {
	_, err := s.Accounts.UpdateAccount(ctx, user, func(a *chat.Account) error {
		a.Disabled = disabled
		return nil
	})
	if err != nil {
		return s.hide(ctx, "disable account", err)
	}
	s.Logger.InfoContext(ctx, "account disabled", "user_id", user, "disabled", disabled)
	if !disabled {
		return nil
	}
	return s.RevokeAll(ctx, user, chat.SessionID{})
}

// AccountNamed finds an account by its username, for operators.
func (s *Service) AccountNamed(ctx context.Context, username string) (*chat.Account, error) {
	folded, ok := foldUsername(username)
	if !ok {
		return nil, chat.ErrNotFound
	}
	account, err := s.Accounts.AccountByUsername(ctx, folded)
	return account, s.shown(ctx, "find account", err)
}

// ListAccounts is for operators.
func (s *Service) ListAccounts(ctx context.Context, cursor string, limit int) (chat.Page[chat.Account], error) {
	page, err := s.Accounts.ListAccounts(ctx, cursor, upTo(limit, DefaultPage, MaxPage))
	return page, s.shown(ctx, "list accounts", err)
}

func validDisplayName(name string) *chat.Error {
	switch {
	case strings.TrimSpace(name) == "":
		return chat.Invalid("display_name", "is empty")
	case len(name) > 4*MaxDisplayName || utf8.RuneCountInString(name) > MaxDisplayName:
		return chat.Invalid("display_name", "is longer than 64 characters")
	case !showable(name):
		return chat.Invalid("display_name", "has characters that cannot be seen")
	}
	return nil
}

// maxMarks is how many combining marks may stand on one letter: no language needs
// more, and towers of them cover what is above.
const maxMarks = 6

// showable reports whether a name looks like what it is: it has something to see, and
// nothing in it hides, turns other text around or towers over it.
func showable(name string) bool {
	if name != plain(name, len(name)) {
		return false
	}
	seen, marks := false, 0
	for _, r := range name {
		switch {
		case unicode.In(r, unicode.Mn, unicode.Me):
			if marks++; marks > maxMarks {
				return false
			}
			continue
		case unicode.IsGraphic(r) && !unicode.IsSpace(r):
			seen = true
		}
		marks = 0
	}
	return seen
}

// hidden reports whether a letter cannot be seen and is not part of how others are written
// (as are joiners, selectors and the tags of flags).
func hidden(r rune) bool {
	switch {
	case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), unicode.Is(unicode.Co, r):
		return true
	case r == '\u00ad', r == '\u034f', r == '\u180e', r == '\u200b', r == '\u2028', r == '\u2029', r >= '\u2060' && r <= '\u2064', r == '\ufeff':
		return true
	}
	// Letters by their class, and blank all the same.
	return r == '\u115f' || r == '\u1160' || r == '\u2800' || r == '\u3164' || r == '\uffa0' || r >= '\ufff9' && r <= '\ufffb'
}

// shownTitle refuses titles that do not look like what they are. What a title may hold
// at all is a rule of the conversation.
func shownTitle(title *string) error {
	if title != nil && strings.TrimSpace(*title) != "" && utf8.ValidString(*title) && !showable(*title) {
		return chat.Invalid("title", "has characters that cannot be seen")
	}
	return nil
}

func validBio(bio string) *chat.Error {
	switch {
	case utf8.RuneCountInString(bio) > MaxBio:
		return chat.Invalid("bio", "is longer than 500 characters")
	case !utf8.ValidString(bio) || strings.ContainsRune(bio, 0):
		return chat.Invalid("bio", "is not text")
	}
	return nil
}

func validEmail(email string) *chat.Error {
	if email == "" {
		return nil
	}
	parsed, err := mail.ParseAddress(email)
	if err != nil || parsed.Address != email || len(email) > MaxEmail || email != plain(email, len(email)) {
		return chat.Invalid("email", "is not an e-mail address")
	}
	return nil
}

func validSettings(settings json.RawMessage) *chat.Error {
	switch {
	case len(settings) > MaxSettingsBytes:
		return &chat.Error{Code: chat.CodeTooLarge, Message: "Settings are at most 16 KiB.", Fields: map[string]string{"settings": "are larger than 16 KiB"}}
	case !json.Valid(settings) || !bytes.HasPrefix(bytes.TrimSpace(settings), []byte("{")):
		return chat.Invalid("settings", "are not a JSON object")
	}
	return nil
}

// plain cuts text to some bytes of UTF-8 and takes out what cannot be seen:
// control characters, and those that turn the direction of what follows.
func plain(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || hidden(r) {
			return -1
		}
		return r
	}, text)
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

func firstProblem(problems ...*chat.Error) *chat.Error {
	for _, p := range problems {
		if p != nil {
			return p
		}
	}
	return nil
}
