package chat

import (
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// AppendJSON appends the entry's canonical JSON to b: the bytes that the store
// keeps, the bus carries and every socket receives. Fields come in a fixed
// order, those that do not belong to the kind are left out, a message always
// has "text" and "attachments". Strings must be valid UTF-8 (Command.Validate).
func (e *Entry) AppendJSON(b []byte) []byte {
	b = append(b, `{"conversation_id":"`...)
	b = e.ConversationID.appendText(b)
	b = append(b, `","seq":`...)
	b = strconv.AppendInt(b, int64(e.Seq), 10)
	b = append(b, `,"at":"`...)
	b = e.At.Std().AppendFormat(b, timeLayout)
	b = append(b, `","sender_id":"`...)
	b = e.SenderID.appendText(b)
	b = append(b, `","kind":"`...)
	b = append(b, e.Kind...)
	b = append(b, '"')
	if e.ClientID != "" {
		b = appendField(b, "client_id", e.ClientID)
	}
	switch e.Kind {
	case KindMessage:
		b = e.appendMessage(b)
	case KindEdit:
		b = appendTarget(b, e.Target)
		b = appendField(b, "text", e.Text)
		if e.Redacted {
			b = append(b, `,"redacted":true`...)
		}
	case KindDelete:
		b = appendTarget(b, e.Target)
	case KindPin:
		b = appendTarget(b, e.Target)
		b = appendOn(b, e.On)
	case KindBlock:
		b = appendOn(b, e.On)
	case KindReaction:
		b = appendTarget(b, e.Target)
		b = appendField(b, "emoji", e.Emoji)
		b = appendOn(b, e.On)
	case KindCreated:
		b = appendField(b, "conversation_kind", string(e.ConversationKind))
		b = e.appendTitle(b)
		b = appendUserIDs(b, "user_ids", e.UserIDs)
	case KindMemberAdded, KindRole:
		b = appendUserIDs(b, "user_ids", e.UserIDs)
		b = appendField(b, "role", string(e.Role))
	case KindMemberRemoved:
		b = appendUserIDs(b, "user_ids", e.UserIDs)
	case KindUpdated:
		b = e.appendTitle(b)
	case KindCall:
		b = appendUserIDs(b, "user_ids", e.UserIDs)
		b = e.Call.appendJSON(append(b, `,"call":`...))
	}
	return append(b, '}')
}

// MarshalJSON gives the canonical JSON; see AppendJSON.
func (e *Entry) MarshalJSON() ([]byte, error) {
	return e.AppendJSON(make([]byte, 0, 256+len(e.Text))), nil
}

// DecodeEntry reads what AppendJSON wrote. Unknown fields are ignored, so that
// a node of an older version can read the log of a newer one.
func DecodeEntry(data []byte) (*Entry, error) {
	var e Entry
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, fmt.Errorf("decode entry: %w", err)
	}
	return &e, nil
}

func (e *Entry) appendMessage(b []byte) []byte {
	b = append(b, `,"ordinal":`...)
	b = strconv.AppendInt(b, e.Ordinal, 10)
	b = appendField(b, "text", e.Text)
	if e.ReplyTo != 0 {
		b = append(b, `,"reply_to":`...)
		b = strconv.AppendInt(b, int64(e.ReplyTo), 10)
	}
	b = append(b, `,"attachments":[`...)
	for i := range e.Attachments {
		if i > 0 {
			b = append(b, ',')
		}
		b = e.Attachments[i].appendJSON(b)
	}
	b = append(b, ']')
	if len(e.Mentions) > 0 {
		b = appendUserIDs(b, "mentions", e.Mentions)
	}
	if e.Redacted {
		b = append(b, `,"redacted":true`...)
	}
	return b
}

func (e *Entry) appendTitle(b []byte) []byte {
	b = appendField(b, "title", e.Title)
	if !e.AvatarID.IsZero() {
		b = appendField(b, "avatar_id", e.AvatarID.String())
	}
	return b
}

func appendUserIDs(b []byte, name string, ids []UserID) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, `":[`...)
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = id.appendText(b)
		b = append(b, '"')
	}
	return append(b, ']')
}

func (a *Attachment) appendJSON(b []byte) []byte {
	b = append(b, `{"id":"`...)
	b = a.ID.appendText(b)
	b = append(b, '"')
	b = appendField(b, "name", a.Name)
	b = append(b, `,"size":`...)
	b = strconv.AppendInt(b, a.Size, 10)
	b = appendField(b, "mime", a.MIME)
	if a.Width > 0 && a.Height > 0 {
		b = append(b, `,"width":`...)
		b = strconv.AppendInt(b, int64(a.Width), 10)
		b = append(b, `,"height":`...)
		b = strconv.AppendInt(b, int64(a.Height), 10)
	}
	if a.Thumb {
		b = append(b, `,"thumb":true`...)
	}
	return append(b, '}')
}

// appendJSON writes none as a call of which nothing is known.
func (c *CallSummary) appendJSON(b []byte) []byte {
	if c == nil {
		c = &CallSummary{}
	}
	b = append(b, `{"video":`...)
	b = strconv.AppendBool(b, c.Video)
	b = appendField(b, "outcome", string(c.Outcome))
	b = append(b, `,"duration_ms":`...)
	b = strconv.AppendInt(b, c.DurationMS, 10)
	return append(b, '}')
}

func appendTarget(b []byte, target Seq) []byte {
	b = append(b, `,"target":`...)
	return strconv.AppendInt(b, int64(target), 10)
}

func appendOn(b []byte, on bool) []byte {
	b = append(b, `,"on":`...)
	return strconv.AppendBool(b, on)
}

func appendField(b []byte, name, value string) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	return appendString(b, value)
}

const hexDigits = "0123456789abcdef"

// appendString quotes s as RFC 8259 section 7 asks, and escapes U+2028, U+2029
// and the characters of HTML too, so that the bytes can stand in any document.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= 0x20 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&' {
				i++
				continue
			}
			b = append(b, s[start:i]...)
			b = appendEscape(b, c)
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == '\u2028' || r == '\u2029' {
			b = append(b, s[start:i]...)
			b = append(b, '\\', 'u', hexDigits[r>>12&0xf], hexDigits[r>>8&0xf], hexDigits[r>>4&0xf], hexDigits[r&0xf])
			i += size
			start = i
			continue
		}
		if r == utf8.RuneError && size == 1 { // not UTF-8
			b = append(b, s[start:i]...)
			b = utf8.AppendRune(b, r)
			i += size
			start = i
			continue
		}
		i += size
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	default:
		return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
	}
}
