package bench

import (
	"strings"
	"testing"
)

func TestStagesAreMeansOfWhatCameMeanwhile(t *testing.T) {
	before, after := make(sums), make(sums)
	const text = `# HELP parley_log_append_seconds Time
parley_log_append_seconds_bucket{le="0.5"} 4
parley_log_append_seconds_sum SUM
parley_log_append_seconds_count COUNT
parley_record_age_seconds_sum SUM
parley_record_age_seconds_count COUNT
parley_record_tell_seconds_sum 1
parley_record_tell_seconds_count 1
go_goroutines 12
`
	read := func(into sums, sum, count string) {
		t.Helper()
		if err := into.add(strings.NewReader(strings.NewReplacer("SUM", sum, "COUNT", count).Replace(text))); err != nil {
			t.Fatal(err)
		}
	}
	read(before, "1.5", "100")
	for range 2 { // nodes
		read(after, "1.75", "100")
	}
	read(after, "0", "0")
	// 2 s of 100 more records
	const want = "brokers have it after 20.00 ms, its owner after 19.50 ms, who publishes it in 1000.00 ms"
	if got := after.since(before); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := before.add(strings.NewReader("parley_log_append_seconds_sum x\n")); err == nil {
		t.Error("got no error for a number that is none")
	}
}
