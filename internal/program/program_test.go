package program

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain is also the program that the tests start, when PROGRAM_MODE is set.
func TestMain(m *testing.M) {
	switch os.Getenv("PROGRAM_MODE") {
	case "serve":
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGTERM)
		go func() {
			<-stop
			os.Exit(0)
		}()
		_, _ = os.Stderr.WriteString("serving\n")
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/api/v1/echo":
				_, _ = w.Write([]byte(`{"token":"` + r.Header.Get("Authorization") + `"}`))
			case "/readyz":
			default:
				http.Error(w, "no such thing", http.StatusNotFound)
			}
		})
		server := http.Server{Addr: os.Getenv("PROGRAM_ADDRESS"), Handler: handler, ReadHeaderTimeout: time.Second}
		_ = server.ListenAndServe()
		os.Exit(3)
	case "fail":
		_, _ = os.Stderr.WriteString("cannot find my hat\n")
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func options(t *testing.T, mode string) Options {
	t.Helper()
	address, err := FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	return Options{
		Command: []string{os.Args[0]}, Env: []string{"PROGRAM_MODE=" + mode, "PROGRAM_ADDRESS=" + address},
		URL: "http://" + address, Ready: "/readyz",
	}
}

func TestAProgramIsStartedAskedAndStopped(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	p, err := Start(ctx, options(t, "serve"))
	if err != nil {
		t.Fatal(err)
	}
	api := API{URL: p.URL, Token: "t"}
	var answer struct{ Token string }
	if err := api.Do(ctx, http.MethodGet, "/echo", nil, &answer); err != nil || answer.Token != "Bearer t" {
		t.Errorf("got %q, %v; want the token", answer.Token, err)
	}
	if err := api.Do(ctx, http.MethodGet, "/nothing", nil, nil); Status(err) != http.StatusNotFound {
		t.Errorf("got %v, want status 404", err)
	}
	cost, err := p.Cost()
	if err != nil || cost.RSS < 1<<20 || cost.Files < 3 {
		t.Errorf("got cost %+v, %v; want some", cost, err)
	}
	if p.Tail() != "serving" {
		t.Errorf("got tail %q, want serving", p.Tail())
	}
	if err := p.Stop(ctx); err != nil {
		t.Error(err)
	}
	if _, err := p.Cost(); err == nil {
		t.Error("got a cost of a process that ended, want an error")
	}
}

func TestAKilledProgramIsGone(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	p, err := Start(ctx, options(t, "serve"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Kill(), p.Kill()); err != nil {
		t.Fatal(err)
	}
	if err := (API{URL: p.URL}).Do(ctx, http.MethodGet, "/echo", nil, nil); err == nil {
		t.Error("got an answer from a killed program, want an error")
	}
}

func TestAProgramThatDoesNotServeSaysWhy(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := Start(ctx, options(t, "fail")); !errors.Is(err, ErrEnded) || !strings.Contains(err.Error(), "my hat") {
		t.Errorf("got %v, want ErrEnded and what it wrote", err)
	}
}

func TestAFamilyCostsAtLeastItself(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	p, err := Start(ctx, options(t, "serve"))
	if err != nil {
		t.Fatal(err)
	}
	mine, err := CostOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	family, err := FamilyCPU(os.Getpid())
	if err != nil || family < mine.CPU {
		t.Errorf("got %v, %v; want at least the %v of this process", family, err, mine.CPU)
	}
	if _, err := FamilyCPU(p.PID()); err != nil {
		t.Errorf("got %v for a child that has none itself, want its cost", err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := FamilyCPU(p.PID()); err == nil {
		t.Error("got a cost of a process that ended, want an error")
	}
}
