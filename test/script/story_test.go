package script

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/parley-chat/parley/internal/program"
)

// patience bounds every wait; no story depends on how long something takes.
const patience = 60 * time.Second

const password = "correct horse battery"

type storyKey struct{}

// story is what a script knows: its server and the people in it.
type story struct {
	process *program.Process
	api     program.API
	people  map[string]*person
}

type person struct {
	program.Login
	ears *ears
}

func newStory() *story { return &story{people: map[string]*person{}} }

func storyOf(ts *testscript.TestScript) *story {
	s, ok := ts.Value(storyKey{}).(*story)
	if !ok {
		ts.Fatalf("the story was not set up")
	}
	return s
}

func (s *story) person(ts *testscript.TestScript, name string) *person {
	p := s.people[name]
	if p == nil {
		ts.Fatalf("nobody is called %s", name)
	}
	return p
}

func want(ts *testscript.TestScript, ok bool, usage string) {
	if !ok {
		ts.Fatalf("usage: %s", usage)
	}
}

func limited() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), patience)
}

// exits CODE COMMAND… runs a command that has to end with that status.
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) >= 2, "exits code command…")
	code, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%s: %v", args[1], err)
	}
	if got != code {
		ts.Fatalf("%s: got exit status %d, want %d", strings.Join(args[1:], " "), got, code)
	}
}

// serve [NAME=VALUE…] [FLAG…] starts the server on $WORK/data (or continues there), at the address
// in $ADDR, and sets $URL. What it writes goes to the end of server.log. The first words
// may be settings of its environment.
func cmdServe(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg, "serve [name=value…] [flag…]")
	s := storyOf(ts)
	if s.process != nil {
		ts.Fatalf("the server runs already")
	}
	address := ts.Getenv("ADDR")
	if address == "" {
		var err error
		address, err = program.FreeAddress()
		ts.Check(err)
		ts.Setenv("ADDR", address)
		ts.Setenv("URL", "http://"+address)
	}
	env := []string{"GORACE=halt_on_error=1"}
	for len(args) > 0 && strings.HasPrefix(args[0], "PARLEY_") {
		env, args = append(env, args[0]), args[1:]
	}
	log, err := os.OpenFile(ts.MkAbs("server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	ctx, cancel := limited()
	defer cancel()
	s.process, err = program.Start(ctx, program.Options{
		Command: append([]string{binaryPath(ts), "serve", "--addr", address, "--data-dir", ts.MkAbs("data")}, args...),
		Env:     env,
		Dir:     ts.MkAbs("."),
		Log:     log,
		URL:     "http://" + address,
		Ready:   "/readyz",
	})
	ts.Check(err)
	s.api = program.API{URL: s.process.URL, Client: &http.Client{Timeout: patience}}
	process := s.process
	ts.Defer(func() {
		for _, p := range s.people {
			p.ears.close()
		}
		_ = process.Kill()
		_ = log.Close()
	})
}

func binaryPath(ts *testscript.TestScript) string { return ts.Getenv("PARLEY") }

// stop ends the server with SIGTERM; it has to exit with status 0.
func cmdStop(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 0, "stop")
	s := storyOf(ts)
	ctx, cancel := limited()
	defer cancel()
	ts.Check(s.process.Stop(ctx))
	s.process = nil
}

// kill9 ends the server with SIGKILL.
func cmdKill(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 0, "kill9")
	s := storyOf(ts)
	ts.Check(s.process.Kill())
	s.process = nil
}

// mode OCTAL FILE checks a file's permissions.
func cmdMode(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 2, "mode octal file")
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := strconv.FormatUint(uint64(info.Mode().Perm()), 8); got != args[0] {
		ts.Fatalf("%s: got mode %s, want %s", args[1], got, args[0])
	}
}

// signup NAME makes an account; $NAME_ID and $NAME_TOKEN are set.
func cmdSignUp(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, len(args) == 1, "signup name")
	s := storyOf(ts)
	ctx, cancel := limited()
	defer cancel()
	l, err := s.api.SignUp(ctx, args[0], password)
	s.settle(ts, neg, args[0], l, err)
}

// login NAME [PASSWORD] makes a further session, which the story goes on with.
func cmdLogin(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, len(args) == 1 || len(args) == 2, "login name [password]")
	s := storyOf(ts)
	ctx, cancel := limited()
	defer cancel()
	body := map[string]string{"username": args[0], "password": password}
	if len(args) == 2 {
		body["password"] = args[1]
	}
	var l program.Login
	err := s.api.Do(ctx, http.MethodPost, "/auth/login", body, &l)
	s.settle(ts, neg, args[0], l, err)
}

// settle notes a session, or, where a refusal was expected, shows it.
func (s *story) settle(ts *testscript.TestScript, neg bool, name string, l program.Login, err error) {
	if neg {
		s.refused(ts, err)
		return
	}
	ts.Check(err)
	s.people[name] = &person{Login: l}
	ts.Setenv(strings.ToUpper(name)+"_ID", l.User.ID)
	ts.Setenv(strings.ToUpper(name)+"_TOKEN", l.Token)
}

// refused shows an answer other than 2xx on stdout: the status, then the body.
func (s *story) refused(ts *testscript.TestScript, err error) {
	var status *program.StatusError
	if !errors.As(err, &status) {
		ts.Fatalf("got %v, want a refusal", err)
	}
	fmt.Fprintf(ts.Stdout(), "%d %s\n", status.Status, status.Body)
}

// api NAME METHOD PATH [JSON] asks as a person ("-" is nobody) and shows the answer on
// stdout. With ! it has to be refused; then the status comes before the body.
func cmdAPI(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, len(args) == 3 || len(args) == 4, "api name method path [json]")
	s := storyOf(ts)
	api := s.api
	if args[0] != "-" {
		api = api.As(s.person(ts, args[0]).Login)
	}
	var body any
	if len(args) == 4 {
		body = json.RawMessage(args[3])
	}
	ctx, cancel := limited()
	defer cancel()
	var answer json.RawMessage
	var into any = &answer
	if args[1] == http.MethodDelete || strings.HasSuffix(args[2], "/logout") {
		into = nil // may have no body
	}
	err := api.Do(ctx, args[1], args[2], body, into)
	for !neg && program.Status(err) == http.StatusServiceUnavailable && ctx.Err() == nil { // see say
		time.Sleep(20 * time.Millisecond)
		err = api.Do(ctx, args[1], args[2], body, into)
	}
	if neg {
		s.refused(ts, err)
		return
	}
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s\n", answer)
}

// get NAME PATH sets $NAME from the JSON on stdout; the path is such as items.0.id.
// let NAME VALUE… sets it from words.
func cmdGet(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 2, "get name path")
	value, err := lookUp([]byte(ts.ReadFile("stdout")), args[1])
	ts.Check(err)
	ts.Setenv(args[0], value)
}

func cmdLet(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) >= 2, "let name value…")
	ts.Setenv(args[0], strings.Join(args[1:], ""))
}

// free NAME sets $NAME to a loopback address at which nothing listens.
func cmdFree(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) == 1, "free name")
	address, err := program.FreeAddress()
	ts.Check(err)
	ts.Setenv(args[0], address)
}

func lookUp(text []byte, path string) (string, error) {
	var at any
	if err := json.Unmarshal(text, &at); err != nil {
		return "", fmt.Errorf("read %.200q: %w", text, err)
	}
	for step := range strings.SplitSeq(path, ".") {
		switch v := at.(type) {
		case map[string]any:
			at = v[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(v) {
				return "", fmt.Errorf("no %s in a list of %d (%s)", step, len(v), path)
			}
			at = v[i]
		default:
			return "", fmt.Errorf("nothing at %s of %s in %.200s", step, path, text)
		}
	}
	switch v := at.(type) {
	case string:
		return v, nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case bool:
		return strconv.FormatBool(v), nil
	default:
		return "", fmt.Errorf("%s is %v, want a string, a number or a bool", path, v)
	}
}

// absent FILE WORD… fails if one of the words is in the file.
func cmdAbsent(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) >= 2, "absent file word…")
	text := ts.ReadFile(args[0])
	if len(text) == 0 {
		ts.Fatalf("%s is empty, which shows nothing", args[0])
	}
	for _, word := range args[1:] {
		if word == "" || strings.Contains(text, word) {
			ts.Fatalf("%s holds %q", args[0], word)
		}
	}
}

// fetch PATH [HEADER…] gets a path outside of REST, such as /healthz, and shows the body
// on stdout; with ! it has to answer other than 2xx, and the status comes first.
func cmdFetch(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, len(args) >= 1, "fetch path [header: value]…")
	ctx, cancel := limited()
	defer cancel()
	url := args[0]
	if strings.HasPrefix(url, "/") {
		url = storyOf(ts).process.URL + url
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	ts.Check(err)
	for _, header := range args[1:] {
		name, value, _ := strings.Cut(header, ": ")
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	ts.Check(err)
	body, err := io.ReadAll(res.Body)
	ts.Check(errors.Join(err, res.Body.Close()))
	if ok := res.StatusCode/100 == 2; ok == neg {
		ts.Fatalf("%s: got status %d: %s", args[0], res.StatusCode, body)
	}
	if neg {
		fmt.Fprintf(ts.Stdout(), "%d ", res.StatusCode)
	}
	fmt.Fprintf(ts.Stdout(), "%s\n", body)
}

// sentence FILE WORD… checks that a file (stdout, stderr) is one line that holds all words.
func cmdSentence(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, !neg && len(args) >= 1, "sentence file word…")
	text := ts.ReadFile(args[0])
	if lines := strings.Count(strings.TrimSpace(text), "\n"); strings.TrimSpace(text) == "" || lines > 0 {
		ts.Fatalf("%s: got %q, want one sentence", args[0], text)
	}
	for _, word := range args[1:] {
		if !strings.Contains(text, word) {
			ts.Fatalf("%s: got %q, want it to speak of %q", args[0], text, word)
		}
	}
}
