package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Session is a log-in of a person who was made for the load.
type Session struct {
	UserID string
	Token  string
}

// Seed makes people with sessions in an empty data directory, while no server runs on
// it: signing up thousands would measure the hashing of passwords.
type Seed func(ctx context.Context, dataDir string, people int) ([]Session, error)

// Options are what the command line says.
type Options struct {
	Binary   string        // the server to start; it is given "serve" and flags
	Peer     string        // folder of the bare Node server to compare with; empty: none
	Scenario string        // send, pace, room, idle or all
	Senders  []int         // send: how many people send at the same time
	Rate     int           // pace: messages a second
	Rooms    []int         // room: members
	People   int           // idle: connections
	Each     int           // idle: conversations of each person
	Duration time.Duration // of each measurement
}

const usage = `usage: parley bench [flags] [send|pace|room|idle|all]

send   messages a second, each acknowledged when durable, everybody waiting for their own ack
pace   time from send to the other person's socket, at a steady rate
room   what a delivery costs the server in large rooms
idle   what a silent, logged-in connection costs, and setting it up

`

// ErrUsage is what an error about the command line is.
var ErrUsage = errors.New("bench")

// Run parses args, measures, and writes a line for each figure to out.
func Run(ctx context.Context, args []string, binary string, seed Seed, out io.Writer) error {
	o, err := parse(args, out)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUsage, err)
	}
	o.Binary = binary
	fmt.Fprintf(out, "%s/%s, %s, %d cores shared by server and load\n", runtime.GOOS, runtime.GOARCH, runtime.Version(), runtime.NumCPU())
	kinds := []kind{parley{binary: o.Binary, seed: seed}}
	if o.Peer != "" {
		kinds = append(kinds, node{dir: o.Peer})
	}
	for _, s := range scenarios {
		if o.Scenario != "all" && o.Scenario != s.name {
			continue
		}
		for _, k := range kinds {
			if err := s.run(ctx, o, k, out); err != nil {
				return fmt.Errorf("measure %s of %s: %w", s.name, k.name(), err)
			}
		}
	}
	return nil
}

var scenarios = []struct {
	name string
	run  func(ctx context.Context, o Options, k kind, out io.Writer) error
}{
	{"send", runSend}, {"pace", runPace}, {"room", runRoom}, {"idle", runIdle},
}

func parse(args []string, out io.Writer) (Options, error) {
	o := Options{Scenario: "all"}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Usage = func() {
		fmt.Fprint(out, usage)
		flags.PrintDefaults()
	}
	senders := flags.String("senders", "1,100,1000", "send: people who send at the same time, a measurement each")
	rooms := flags.String("rooms", "100,1000", "room: members, a measurement each")
	flags.IntVar(&o.Rate, "rate", 1000, "pace: messages a second, among pairs of people")
	flags.IntVar(&o.People, "people", 10_000, "idle: connections, each of another person")
	flags.IntVar(&o.Each, "conversations", 20, "idle: conversations of each person")
	flags.DurationVar(&o.Duration, "time", 5*time.Second, "of each measurement")
	flags.StringVar(&o.Peer, "peer", "", "folder of a bare Node server to compare with, such as bench/peers/node-socketio")
	if err := flags.Parse(args); err != nil {
		return o, fmt.Errorf("read flags: %w", err)
	}
	if flags.NArg() > 1 {
		return o, errors.New("bench takes one scenario")
	}
	if flags.NArg() == 1 {
		o.Scenario = flags.Arg(0)
	}
	known := o.Scenario == "all"
	for _, s := range scenarios {
		known = known || s.name == o.Scenario
	}
	if !known {
		return o, fmt.Errorf("unknown scenario %q", o.Scenario)
	}
	var err error
	if o.Senders, err = numbers(*senders); err != nil {
		return o, err
	}
	o.Rooms, err = numbers(*rooms)
	return o, err
}

func numbers(list string) ([]int, error) {
	var ns []int
	for word := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is not a list of positive numbers", list)
		}
		ns = append(ns, n)
	}
	return ns, nil
}
