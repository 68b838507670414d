// Command fault is the fault suite: real clients talk while their nodes, engines and
// links are broken on purpose, and a checker holds what they saw against what is there
// in the end. docs/faults.md says what is tested and how to read the result.
//
//	fault [-target embedded,cluster] [-acked N] [-windows N] [-long 1h] [-seed N] -binary PATH
//
// The last line is "fault: N acked, W windows, A anomalies"; the exit status is 1
// unless A is 0.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/parley-chat/parley/test/fault/lan"
)

// options are the command line.
type options struct {
	targets  []string
	binary   string
	seed     uint64
	acked    int
	windows  int
	long     time.Duration
	rate     float64
	people   int
	only     []string
	expect   []string
	out      string
	commit   string
	clocks   bool
	netns    bool
	patience float64
	gap      time.Duration
	lowest   time.Duration
	most     time.Duration
}

func main() {
	o, err := parse(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "fault:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ok, err := runAll(ctx, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "fault:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

func parse(args []string) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("fault", flag.ContinueOnError)
	targets := f.String("target", "embedded", "what to test: embedded, cluster, or both with a comma")
	only := f.String("only", "", "faults to have, with commas between; empty: all")
	expect := f.String("expect", "", "anomalies of which one has to be found, with commas between: the run ends with the first and is then good")
	f.StringVar(&o.binary, "binary", "bin/parley", "the program under test")
	f.Uint64Var(&o.seed, "seed", 0, "of the plan; 0 takes a new one")
	f.IntVar(&o.acked, "acked", 60_000, "acknowledged sends of all targets together")
	f.IntVar(&o.windows, "windows", 24, "fault windows of all targets together")
	f.DurationVar(&o.long, "long", 0, "go on for so long instead, all targets together")
	f.Float64Var(&o.rate, "rate", 700, "operations a second, offered")
	f.IntVar(&o.people, "people", 60, "people, of two devices each")
	f.StringVar(&o.out, "out", "out/fault", "where logs, data and timelines go")
	f.StringVar(&o.commit, "commit", "unknown", "what the binary was built of, for the report")
	f.BoolVar(&o.clocks, "clocks", false, "the program under test was built with the tag faultclock: set its clock too")
	f.BoolVar(&o.netns, "netns", false, "give each node of the cluster a network namespace of its own, with faults of the network between them (root, ip)")
	f.Float64Var(&o.patience, "patience", 6, "by how much slower than promised the machine may make a recovery before it is an anomaly")
	f.DurationVar(&o.gap, "gap", time.Second, "peace between fault windows, at least; twice that at most")
	f.DurationVar(&o.lowest, "lowest", time.Second, "shortest fault window")
	f.DurationVar(&o.most, "most", 4*time.Second, "longest fault window")
	if err := f.Parse(args); err != nil {
		return nil, err //nolint:wrapcheck // says all
	}
	o.targets, o.only, o.expect = list(*targets), list(*only), list(*expect)
	if len(o.targets) == 0 || f.NArg() > 0 || o.most < o.lowest || o.rate <= 0 || o.people < 10 {
		return nil, errors.New("what is asked for makes no sense; see -help")
	}
	if o.netns {
		if err := lan.Possible(); err != nil {
			return nil, err //nolint:wrapcheck // says all
		}
	}
	if o.seed == 0 {
		o.seed = uint64(time.Now().UnixNano())
	}
	var err error
	if o.binary, err = filepath.Abs(o.binary); err != nil {
		return nil, fmt.Errorf("find the program: %w", err)
	}
	if o.out, err = filepath.Abs(o.out); err != nil {
		return nil, fmt.Errorf("find the folder: %w", err)
	}
	return o, nil
}

func list(text string) []string {
	var all []string
	for one := range strings.SplitSeq(text, ",") {
		if one = strings.TrimSpace(one); one != "" {
			all = append(all, one)
		}
	}
	return all
}
