package stage

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestAnEnginesClockIsSetWhileItRuns(t *testing.T) {
	dir := t.TempDir()
	library := filepath.Join(dir, "clock.so")
	if out, err := exec.Command("gcc", "-shared", "-fPIC", "-Wall", "-Werror", "-o", library, "../../../scripts/clock.c").CombinedOutput(); err != nil {
		t.Fatalf("compile the clock: %v: %s", err, out)
	}
	e := &Engines{clocks: dir}
	if err := os.WriteFile(filepath.Join(dir, "engine"), make([]byte, 8), 0o600); err != nil {
		t.Fatal(err)
	}
	// It says the time for each line that it reads.
	engine := exec.Command("bash", "-c", `while read -r _; do printf '%(%s)T\n' -1; done`)
	engine.Env = append(os.Environ(), "LD_PRELOAD="+library, "PARLEY_CLOCK="+filepath.Join(dir, "engine"))
	in, err := engine.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := engine.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewReader(out)
	for _, by := range []time.Duration{0, time.Hour, -time.Hour, 0} {
		if err := e.SetClock("engine", by); err != nil {
			t.Fatal(err)
		}
		before := time.Now()
		if _, err := io.WriteString(in, "\n"); err != nil {
			t.Fatal(err)
		}
		line, err := said.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		seconds, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		got := time.Unix(seconds, 0).Add(-by)
		if got.Before(before.Truncate(time.Second)) || got.After(time.Now()) {
			t.Errorf("a clock that is wrong by %s: it is %s there, %s here", by, got.Add(by), before)
		}
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := engine.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestNoEngineThatCannotBeSetIsSet(t *testing.T) {
	e := &Engines{clocks: t.TempDir()}
	if err := e.SetClock("engine", time.Hour); err == nil {
		t.Error("got no error of an engine without a clock of its own")
	}
	if (&Engines{}).Settable() || !e.Settable() {
		t.Error("clocks can be set where the services say their folder, and only there")
	}
}
