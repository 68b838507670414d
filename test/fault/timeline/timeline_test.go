package timeline

import (
	"strings"
	"testing"
	"time"
)

func TestTheFileHoldsEverythingAndNeedsNothing(t *testing.T) {
	var b strings.Builder
	err := Write(&b, Run{
		Title:     "a run",
		Facts:     [][2]string{{"seed", "42"}},
		Seconds:   []Second{{Acked: 10, P50: time.Millisecond, P99: time.Second}, {Acked: 400}},
		Windows:   []Window{{Name: "kill <node>", From: time.Second, To: 2 * time.Second, SendsAfter: 1500 * time.Millisecond}},
		Anomalies: []Anomaly{{At: time.Second, Title: "lost: seq 3", Excerpt: []string{"3 message by <x>"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<h1>a run</h1>", "42", "kill &lt;node&gt;", "lost: seq 3", "3 message by &lt;x&gt;", "the highest is 400", "1.5 s", "<polyline"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the file lacks %q", want)
		}
	}
	for _, outside := range []string{"http://", "https://", "src=", "href="} {
		if strings.Contains(b.String(), outside) {
			t.Errorf("the file reaches outside: %q", outside)
		}
	}
}
