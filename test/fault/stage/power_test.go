package stage

import (
	"bufio"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const seenByStrace = `12 pwrite64(7</d/parley.db-wal>, ""..., 24, 0) = 24
12 pwrite64(7</d/parley.db-wal>, ""..., 4096, 32) = 4096
13 fdatasync(7</d/parley.db-wal>) = 0
12 pwrite64(7</d/parley.db-wal>, ""..., 100, 4128 <unfinished ...>
13 pwrite64(9</d/parley.db>, ""..., 4096, 8192) = 4096
12 <... pwrite64 resumed>) = 100
13 pwrite64(11</d/other.txt>, ""..., 5, 0) = 5
13 pwrite64(12</d/parley.db-shm>, ""..., 5, 0) = 5
`

func TestUnsyncedWritesAreFound(t *testing.T) {
	got, err := unsynced(bufio.NewScanner(strings.NewReader(seenByStrace)))
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(got, func(a, b written) int { return int(a.from - b.from) })
	want := []written{{"/d/parley.db-wal", 4128, 100}, {"/d/parley.db", 8192, 4096}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestALostWriteIsGarbageAndNothingElseIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "parley.db-wal")
	before := strings.Repeat("x", 100)
	if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for _, w := range []written{{path, 90, 50}, {path, 500, 10}, {path + "-gone", 0, 1}} {
		if err := w.spoil(rng); err != nil {
			t.Fatal(err)
		}
	}
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(after) != 100 || string(after[:90]) != before[:90] || string(after[90:]) == before[90:] {
		t.Errorf("got %q", after)
	}
}
