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

// Population is who is made before a server starts.
type Population struct {
	People int
	// Circle is how many people know each other: each has as many groups, with all of
	// their circle in each. Below 2: nobody knows anybody.
	Circle int
}

// Seed makes people with sessions, for a server that is given the same flags, while
// none runs: signing up thousands would measure the hashing of passwords.
type Seed func(ctx context.Context, flags []string, p Population) ([]Session, error)

// Program is what runs the measurements, and is started again for parts of them.
type Program struct {
	Args   []string // of the command line, behind "bench"
	Binary string   // that "bench" and "serve" are commands of
	Seed   Seed
	In     io.Reader // what a part is told
	Out    io.Writer // gets a line for each figure
}

// Engines are the addresses of what nodes share: a database, brokers without a topic,
// a Redis.
type Engines struct{ Store, Log, Bus string }

// Options are what the command line says.
type Options struct {
	Binary   string        // the server to start; it is given "serve" and flags
	Peer     string        // folder of the bare Node server to compare with; empty: none
	Nodes    []int         // of the server, a run for each; 0: one with everything inside
	Engines  Engines       // what nodes share
	Parts    []part        // processes whose CPU is told beside that of the nodes
	Scenario string        // one of them, or all
	Senders  []int         // send: how many people send at the same time
	Rates    []int         // pace: messages a second
	Rooms    []int         // room: members
	People   int           // idle, storm: connections
	Each     int           // idle, storm: conversations of each person
	Duration time.Duration // of each measurement
}

const usage = `usage: parley bench [flags] [send|pace|room|idle|failover|storm|all]

send   messages a second, each acknowledged when durable, everybody waiting for their own ack
pace   time from send to the other person's socket, at a steady rate
room   what a delivery costs the server in large rooms
idle   what a silent, logged-in connection costs, and setting it up

Asked for by name only:
failover  with several nodes: how long conversations wait when one is killed
storm     everybody's connection is lost at once: until all are back and have everything

`

// ErrUsage is what an error about the command line is.
var ErrUsage = errors.New("bench")

// Run reads the command line, measures, and writes a line for each figure.
func Run(ctx context.Context, p Program) error {
	out := p.Out
	if len(p.Args) == 1 && p.Args[0] == holdCommand {
		return hold(ctx, p.In, out)
	}
	o, err := parse(p.Args, out)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUsage, err)
	}
	o.Binary = p.Binary
	fmt.Fprintf(out, "%s/%s, %s, %d cores shared by server and load\n", runtime.GOOS, runtime.GOARCH, runtime.Version(), runtime.NumCPU())
	var kinds []kind
	for _, n := range o.Nodes {
		kinds = append(kinds, parley{o, p.Seed, n})
	}
	if o.Peer != "" {
		kinds = append(kinds, node{dir: o.Peer})
	}
	for _, s := range scenarios {
		if o.Scenario != s.name && (o.Scenario != "all" || s.special) {
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
	name    string
	special bool // not a part of "all"
	run     func(ctx context.Context, o Options, k kind, out io.Writer) error
}{
	{"send", false, runSend},
	{"pace", false, runPace},
	{"room", false, runRoom},
	{"idle", false, runIdle},
	{"failover", true, runFailover},
	{"storm", true, runStorm},
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
	rates := flags.String("rate", "1000", "pace: messages a second, among pairs of people, a measurement each")
	parts := flags.String("parts", "", "processes whose CPU is told too, such as kafka=123,redis=124")
	nodes := flags.String("nodes", "", "of the server, such as 1,2,3, a run of each; none: one with everything inside")
	flags.StringVar(&o.Engines.Store, "store", "", "database of nodes, postgres://…")
	flags.StringVar(&o.Engines.Log, "log", "", "log of nodes, kafka://host:port")
	flags.StringVar(&o.Engines.Bus, "bus", "", "bus of nodes, redis://host:port")
	flags.IntVar(&o.People, "people", 10_000, "idle, storm: connections, each of another person")
	flags.IntVar(&o.Each, "conversations", 20, "idle, storm: conversations of each person")
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
	if o.Parts, err = readParts(*parts); err != nil {
		return o, err
	}
	return o, o.lists(*senders, *rooms, *rates, *nodes)
}

// lists reads the flags that are lists of numbers.
func (o *Options) lists(senders, rooms, rates, nodes string) error {
	o.Nodes = []int{0}
	for _, l := range []struct {
		text string
		into *[]int
	}{{senders, &o.Senders}, {rooms, &o.Rooms}, {rates, &o.Rates}, {nodes, &o.Nodes}} {
		if l.text == "" {
			continue
		}
		ns, err := numbers(l.text)
		if err != nil {
			return err
		}
		*l.into = ns
	}
	if e := o.Engines; nodes != "" && (e.Store == "" || e.Log == "" || e.Bus == "") {
		return errors.New("nodes need -store, -log and -bus")
	}
	return nil
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
