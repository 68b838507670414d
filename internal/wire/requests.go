package wire

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/parley-chat/parley/internal/chat"
)

// MessageSend is the payload of message.send. The same client_id again, from the
// same person in the same conversation, is the same message.
type MessageSend struct {
	ConversationID chat.ConversationID `json:"conversation_id"`
	ClientID       string              `json:"client_id" doc:"idempotency key, at most 64 bytes; use a UUID"`
	Text           string              `json:"text,omitempty" doc:"at most 16 KiB of UTF-8; may be empty when there are attachments"`
	ReplyTo        chat.Seq            `json:"reply_to,omitempty" doc:"seq of the message that is answered"`
	Attachments    []AttachmentRef     `json:"attachments,omitempty" doc:"at most 10 own uploads"`
	Mentions       []chat.UserID       `json:"mentions,omitempty" doc:"at most 50 people who are to be told; the server keeps those who are members"`
}

// MessageEdit is the payload of message.edit: a new text for one's own message.
type MessageEdit struct {
	ConversationID chat.ConversationID `json:"conversation_id"`
	Seq            chat.Seq            `json:"seq" doc:"of the message"`
	Text           string              `json:"text" doc:"at most 16 KiB of UTF-8"`
}

// MessageDelete is the payload of message.delete: for everyone, for good.
type MessageDelete struct {
	ConversationID chat.ConversationID `json:"conversation_id"`
	Seq            chat.Seq            `json:"seq" doc:"of the message"`
}

// ReactionSet is the payload of reaction.set: one's own reaction, given or taken back.
type ReactionSet struct {
	ConversationID chat.ConversationID `json:"conversation_id"`
	Seq            chat.Seq            `json:"seq" doc:"of the message"`
	Emoji          string              `json:"emoji" doc:"at most 64 bytes"`
	On             bool                `json:"on"`
}

// ReceiptSet is the payload of conversation.delivered and conversation.read.
// Numbers only grow: a smaller one, or one beyond the head, changes nothing.
type ReceiptSet struct {
	ConversationID chat.ConversationID `json:"conversation_id"`
	Seq            chat.Seq            `json:"seq" doc:"the last entry that was received or seen"`
}

// TypingSet is the payload of typing. It ends by itself after 6 s; repeat it
// about every 3 s while it lasts.
type TypingSet struct {
	ConversationID chat.ConversationID `json:"conversation_id"`
	On             bool                `json:"on"`
}

// PresenceWatch is the payload of presence.watch. It replaces what the socket
// watched before.
type PresenceWatch struct {
	UserIDs []chat.UserID `json:"user_ids" doc:"at most 500"`
}

// Attention is the payload of attention. It holds until the socket says otherwise
// or ends; a socket that never says it is looked at by nobody.
type Attention struct {
	On bool `json:"on" doc:"somebody looks at this client and has used it lately"`
}

// EntriesAfter is the payload of entries.after: the log after a seq.
type EntriesAfter struct {
	ConversationID chat.ConversationID `json:"conversation_id"`
	Seq            chat.Seq            `json:"seq" doc:"the last entry that is known; 0 is the start"`
	Limit          int                 `json:"limit,omitempty" doc:"1 to 1000; 200 when absent"`
}

// AttachmentRef names an uploaded file in a request: its id alone, or an object
// that has it, such as the answer to the upload (whose other fields are ignored:
// the server knows them better).
type AttachmentRef struct {
	ID chat.FileID
}

// UnmarshalJSON reads either form.
func (a *AttachmentRef) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, &a.ID) //nolint:wrapcheck // the decoder adds the field's name
	}
	var object Attachment
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&object); err != nil {
		return fmt.Errorf("read attachment: %w", err)
	}
	a.ID = object.ID
	return nil
}

// MarshalJSON gives the short form.
func (a AttachmentRef) MarshalJSON() ([]byte, error) {
	return json.Marshal(a.ID) //nolint:wrapcheck // an id always marshals
}
