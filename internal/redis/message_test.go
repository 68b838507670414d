package redis

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/chat"
)

func TestEventsSurviveTheirEncoding(t *testing.T) {
	topic := chat.Topic{Kind: chat.TopicUser, ID: [16]byte{1}}
	want := []chat.Event{
		{Topic: topic, Kind: chat.EventEntry, Seq: 1<<53 - 1, From: chat.UserID{9}, Data: []byte(`{"a":1}`)},
		{Topic: topic, Kind: chat.EventProfile},
		{Topic: topic, Kind: chat.EventTyping, From: chat.UserID{0: 1, 15: 2}, Data: bytes.Repeat([]byte{0xff, 0}, 300)},
	}
	b := appendHeader(nil, 42)
	for i := range want {
		b = appendEvent(b, &want[i])
	}
	origin, body, err := readHeader(string(b))
	if err != nil || origin != 42 {
		t.Fatalf("got origin %d, %v, want 42", origin, err)
	}
	got, err := readEvents(topic, body)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
	for n := 1; n < len(body); n++ {
		if got, err := readEvents(topic, body[:n]); err == nil && len(got) >= len(want) {
			t.Errorf("cut after %d of %d bytes: got all events", n, len(body))
		}
	}
}

func TestOutcomesSurviveTheirEncoding(t *testing.T) {
	e := &chat.Entry{ConversationID: chat.ConversationID{1}, Seq: 3, Kind: chat.KindMessage, Text: "hé", ClientID: "k", Attachments: []chat.Attachment{}}
	want := []chat.Outcome{
		{RecordID: chat.RecordID{1}, Node: "n", Entry: e, JSON: e.AppendJSON(nil)},
		{RecordID: chat.RecordID{2}, Node: "n", Repeated: true},
		{RecordID: chat.RecordID{3}, Node: "n", Err: &chat.Error{Code: chat.CodeConflict, Reason: "r", Message: "m", RetryAfter: time.Second, Fields: map[string]string{"a": "b"}}},
	}
	var b []byte
	for i := range want {
		var err error
		if b, err = appendOutcome(b, &want[i]); err != nil {
			t.Fatal(err)
		}
	}
	got, err := readOutcomes("n", b)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
}

// What a newer program marks with a flag that this one does not know cannot be read
// past: it is no event, and what follows it is none.
func TestFlagsOfAnotherVersion(t *testing.T) {
	topic := chat.Topic{Kind: chat.TopicUser, ID: [16]byte{1}}
	first := chat.Event{Topic: topic, Kind: chat.EventEntry, Seq: 1, Data: []byte(`{}`)}
	b := appendEvent(nil, &first)
	flags := len(b) + 1
	for range 2 {
		b = appendEvent(b, &first)
	}
	b[flags] |= 1 << 7
	if got, err := readEvents(topic, b); !errors.Is(err, errMessage) || !reflect.DeepEqual(got, []chat.Event{first}) {
		t.Errorf("events: got %+v, %v, want the first and an error", got, err)
	}
	outcome := chat.Outcome{RecordID: chat.RecordID{1}, Node: "n", Repeated: true}
	b = nil
	for range 3 {
		var err error
		if b, err = appendOutcome(b, &outcome); err != nil {
			t.Fatal(err)
		}
	}
	b[len(b)/3+len(outcome.RecordID)] |= 1 << 7
	if got, err := readOutcomes("n", b); !errors.Is(err, errMessage) || !reflect.DeepEqual(got, []chat.Outcome{outcome}) {
		t.Errorf("outcomes: got %+v, %v, want the first and an error", got, err)
	}
}

// FuzzMessage: whatever another program writes to a channel, reading it neither
// panics nor takes much memory, and what is read is written again as it was.
func FuzzMessage(f *testing.F) {
	e := chat.Event{Kind: chat.EventEntry, Seq: 7, From: chat.UserID{1}, Data: []byte("{}")}
	f.Add(string(appendEvent(appendHeader(nil, 1), &e)))
	f.Add("")
	f.Add("\x01\x00\x00\x00\x00\x00\x00\x00\x01\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
	f.Fuzz(func(t *testing.T, text string) {
		_, body, err := readHeader(text)
		if err != nil {
			return
		}
		if events, err := readEvents(chat.Topic{}, body); err == nil {
			var b []byte
			for i := range events {
				b = appendEvent(b, &events[i])
			}
			again, err := readEvents(chat.Topic{}, b)
			if err != nil || !reflect.DeepEqual(again, events) {
				t.Errorf("got %+v, %v, want %+v", again, err, events)
			}
		}
		if outcomes, err := readOutcomes("n", body); err == nil {
			for i := range outcomes {
				if _, err := appendOutcome(nil, &outcomes[i]); err != nil {
					t.Errorf("write again: %v", err)
				}
			}
		}
	})
}
