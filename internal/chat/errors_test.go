package chat_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
)

func TestErrorsAreComparedByCode(t *testing.T) {
	narrow := &chat.Error{Code: chat.CodeConflict, Reason: "last_owner", Message: "m"}
	wrapped := fmt.Errorf("apply: %w", narrow)
	other := &chat.Error{Code: chat.CodeConflict, Reason: "deleted"}
	for _, c := range []struct {
		err, target error
		want        bool
	}{
		{narrow, chat.ErrConflict, true},
		{wrapped, chat.ErrConflict, true},
		{wrapped, narrow, true},
		{narrow, other, false},
		{chat.ErrConflict, narrow, false},
		{narrow, chat.ErrNotFound, false},
		{narrow, errors.New("conflict: m"), false},
		{(*chat.Error)(nil), chat.ErrConflict, false},
	} {
		if got := errors.Is(c.err, c.target); got != c.want {
			t.Errorf("%v is %v: got %v, want %v", c.err, c.target, got, c.want)
		}
	}
	if got := chat.AsError(wrapped); got != narrow {
		t.Errorf("got %v, want the error inside", got)
	}
	// What is not meant for a caller is not told to one.
	if got := chat.AsError(errors.New("pq: password authentication failed")); got != chat.ErrInternal {
		t.Errorf("got %v, want ErrInternal", got)
	}
	if got := narrow.Error(); got != "conflict: m" {
		t.Errorf("got %q", got)
	}
	if got := chat.Invalid("text", "is empty"); got.Code != chat.CodeInvalid || got.Fields["text"] != "is empty" {
		t.Errorf("got %+v", got)
	}
}
