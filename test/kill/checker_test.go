package kill

import (
	"strings"
	"testing"

	"github.com/parley-chat/parley/internal/program"
)

// goodHistory is three messages of one stream: two acked, one unknown that is there,
// and one unknown that is not.
func goodHistory() (*history, map[string][]program.Entry) {
	h := newHistory()
	message := func(seq int64, id string) program.Entry {
		return program.Entry{Seq: seq, Kind: "message", SenderID: "u", ClientID: id, Ordinal: seq - 1, Text: "text " + id}
	}
	for i, id := range []string{"a", "b", "c", "d"} {
		h.sends = append(h.sends, &send{
			order: i + 1, conversation: "room", sender: "u", clientID: id, text: "text " + id, invoked: h.now(),
		})
		if i < 2 {
			h.ack(h.sends[i], message(int64(i+2), id))
		}
	}
	log := []program.Entry{{Seq: 1, Kind: "created"}, message(2, "a"), message(3, "b"), message(4, "c")}
	for _, e := range log {
		h.deliver("room", e)
	}
	return h, map[string][]program.Entry{"room": log}
}

func TestTheCheckerPassesAGoodHistory(t *testing.T) {
	h, logs := goodHistory()
	o, anomalies := h.check(logs)
	if len(anomalies) > 0 {
		t.Errorf("got %q, want nothing", anomalies)
	}
	if want := (outcome{acked: 2, there: 1, absent: 1}); o != want {
		t.Errorf("got %+v, want %+v", o, want)
	}
}

func TestTheCheckerNamesEveryAnomaly(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(h *history, logs map[string][]program.Entry)
		want  string
	}{
		"an acked message is gone": {func(_ *history, logs map[string][]program.Entry) {
			logs["room"] = logs["room"][:2]
		}, "lost"},
		"a delivered entry is gone": {func(h *history, _ map[string][]program.Entry) {
			h.deliver("room", program.Entry{Seq: 5, Kind: "message", ClientID: "e"})
		}, "lost"},
		"a message is there twice": {func(_ *history, logs map[string][]program.Entry) {
			again := logs["room"][1]
			again.Seq, again.Ordinal = 5, 4
			logs["room"] = append(logs["room"], again)
		}, "dup-slot"},
		"a repeat gave another seq": {func(h *history, _ map[string][]program.Entry) {
			h.ack(h.sends[0], program.Entry{Seq: 9, ClientID: "a", Text: "text a", SenderID: "u"})
		}, "dup-slot"},
		"the ack gave another seq": {func(h *history, _ map[string][]program.Entry) {
			h.sends[0].seq = 9
		}, "dup-slot"},
		"a number is missing": {func(_ *history, logs map[string][]program.Entry) {
			logs["room"][3].Seq = 5
		}, "gap"},
		"an ordinal is wrong": {func(_ *history, logs map[string][]program.Entry) {
			logs["room"][3].Ordinal = 7
		}, "gap"},
		"nobody sent it": {func(_ *history, logs map[string][]program.Entry) {
			logs["room"] = append(logs["room"], program.Entry{Seq: 5, Kind: "message", ClientID: "x", Ordinal: 4})
		}, "phantom"},
		"the ack is another's": {func(h *history, _ map[string][]program.Entry) {
			h.ack(h.sends[3], program.Entry{Seq: 4, ClientID: "c", Text: "text c", SenderID: "u"})
		}, "phantom"},
		"the text is another": {func(_ *history, logs map[string][]program.Entry) {
			logs["room"][3].Text = "other"
		}, "phantom"},
		"two entries at one seq": {func(h *history, _ map[string][]program.Entry) {
			h.deliver("room", program.Entry{Seq: 3, Kind: "message", ClientID: "z"})
		}, "divergent-slot"},
		"a stream changed places": {func(h *history, _ map[string][]program.Entry) {
			h.sends[0].order, h.sends[1].order = 2, 1
		}, "fifo-inversion"},
		"acked first, numbered later": {func(h *history, _ map[string][]program.Entry) {
			h.sends[0].invoked = h.sends[1].acked + 1
		}, "realtime-inversion"},
	} {
		t.Run(name, func(t *testing.T) {
			h, logs := goodHistory()
			test.spoil(h, logs)
			_, anomalies := h.check(logs)
			for _, a := range anomalies {
				if strings.HasPrefix(a, test.want+": ") {
					return
				}
			}
			t.Errorf("got %q, want %s", anomalies, test.want)
		})
	}
}
