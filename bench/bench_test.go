package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestTheCommandLineIsChecked(t *testing.T) {
	for args, want := range map[string]string{
		"nonsense":        "unknown scenario",
		"send room":       "one scenario",
		"-senders 0 send": "positive numbers",
		"-rooms 1,x room": "positive numbers",
		"-no-such-flag":   "not defined",
		"-rate x pace":    "positive numbers",
		"-time x pace":    "invalid value",
		"-nodes 2 pace":   "-store, -log and -bus",
	} {
		_, err := parse(strings.Fields(args), io.Discard)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error about %q", args, err, want)
		}
	}
	o, err := parse(strings.Fields("-senders 1,2 -time 3s pace"), io.Discard)
	if err != nil || o.Scenario != "pace" || len(o.Senders) != 2 || o.Duration != 3*time.Second {
		t.Errorf("got %+v, %v; want what was said", o, err)
	}
}

func TestQuantiles(t *testing.T) {
	var s samples
	if got := s.quantile(.5); got != 0 {
		t.Errorf("got %v of nothing, want 0", got)
	}
	for i := range 100 {
		s.add(time.Duration(100 - i))
	}
	for q, want := range map[float64]time.Duration{0: 1, .5: 51, .99: 100, 1: 100} {
		if got := s.quantile(q); got != want {
			t.Errorf("quantile %v: got %d, want %d", q, got, want)
		}
	}
}

func TestAPacketTellsHowLongItTook(t *testing.T) {
	var c crowd
	sent := string(message("c", 1, 2))
	entry := []byte(`2["entry",` + sent + `]`)
	if !c.packet(entry) || c.packet([]byte(`2["ready",{}]`)) || c.packet([]byte(`30[{"ok":true}]`)) {
		t.Error("want entries taken, and nothing else")
	}
	c.timed.Store(true)
	c.packet(entry)
	if got := c.entries.Load(); got != 2 || c.lags.count() != 1 || c.lags.quantile(.5) <= 0 {
		t.Errorf("got %d entries and lag %v, want 2 and one lag above 0", got, c.lags.quantile(.5))
	}
}

func TestASeedThatFailsEndsTheMeasurement(t *testing.T) {
	failing := errors.New("no people")
	seed := func(context.Context, []string, Population) ([]Session, error) { return nil, failing }
	err := Run(t.Context(), Program{Args: []string{"send"}, Binary: "/bin/false", Seed: seed, Out: io.Discard})
	if !errors.Is(err, failing) {
		t.Errorf("got %v, want %v", err, failing)
	}
}

func TestPartsAreNamedProcesses(t *testing.T) {
	got, err := readParts("kafka=12, redis=3")
	if err != nil || len(got) != 2 || got[0] != (part{"kafka", 12}) || got[1] != (part{"redis", 3}) {
		t.Errorf("got %v, %v; want both", got, err)
	}
	for _, list := range []string{"kafka", "=1", "kafka=x", "kafka=0", "kafka=1,"} {
		if got, err := readParts(list); err == nil {
			t.Errorf("%q: got %v, want an error", list, got)
		}
	}
	if got, err := readParts(""); err != nil || got != nil {
		t.Errorf("got %v, %v of nothing, want nothing", got, err)
	}
}

// A process that holds connections says why it cannot, and takes further orders.
func TestAHolderReportsWhatFailed(t *testing.T) {
	var in, out bytes.Buffer
	orders := json.NewEncoder(&in)
	for _, o := range []order{
		{Connect: []Session{{UserID: "u", Token: "t"}}, URLs: []string{"http://127.0.0.1:1"}}, // nobody listens at port 1
		{Cut: true},
	} {
		if err := orders.Encode(o); err != nil {
			t.Fatal(err)
		}
	}
	if err := Run(t.Context(), Program{Args: []string{holdCommand}, In: &in, Out: &out}); err != nil {
		t.Fatal(err)
	}
	var first, second report
	reports := json.NewDecoder(&out)
	if err := errors.Join(reports.Decode(&first), reports.Decode(&second)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(first.Error, "connect person 0") || second.Error != "" {
		t.Errorf("got %+v and %+v, want the first to have failed", first, second)
	}
}
