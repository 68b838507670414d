package api

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// checkTimeout bounds how long /readyz waits for a part.
const checkTimeout = 2 * time.Second

type healthAnswer struct {
	Status string            `json:"status" enum:"ok,degraded,unavailable" doc:"degraded: of use, though a part cannot be reached"`
	Parts  map[string]string `json:"parts,omitempty" doc:"ok or unavailable, for each part"`
}

func (s *server) routeHealth() {
	s.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		s.quietly(w, r, http.StatusOK, healthAnswer{Status: "ok"})
	})
	s.mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		answer := s.ready(r.Context())
		status := http.StatusOK
		if answer.Status == "unavailable" {
			status = http.StatusServiceUnavailable
			w.Header().Set("Retry-After", "2")
		}
		s.quietly(w, r, status, answer)
	})
}

func (s *server) quietly(w http.ResponseWriter, r *http.Request, status int, out healthAnswer) {
	tripOf(r).quiet = true
	w.Header().Set("Cache-Control", "no-store")
	s.answer(w, r, status, out)
}

// ready asks every part, all at once. Why one cannot be reached is in the log, not in
// the answer, which anybody may see. A node that lacks what it can do without is
// degraded, and ready all the same: to turn people away would help nobody.
func (s *server) ready(ctx context.Context) healthAnswer {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	failed := make([]error, len(s.Checks))
	var asked sync.WaitGroup
	for i, check := range s.Checks {
		asked.Go(func() { failed[i] = check.Ping(ctx) })
	}
	asked.Wait()
	out := healthAnswer{Status: "ok", Parts: make(map[string]string, len(s.Checks))}
	spares := map[string]bool{} // whether one of them was reached
	needed := false
	for i, check := range s.Checks {
		if check.Spare != "" {
			spares[check.Spare] = spares[check.Spare] || failed[i] == nil
		}
		changed := s.absent.note(check.Name, failed[i] != nil)
		if failed[i] == nil {
			if changed {
				s.Logger.InfoContext(ctx, "a part is within reach again", "part", check.Name)
			}
			out.Parts[check.Name] = "ok"
			continue
		}
		if changed {
			s.Logger.WarnContext(ctx, "a part is out of reach", "part", check.Name, "error", failed[i])
		}
		out.Status, out.Parts[check.Name] = "degraded", "unavailable"
		needed = needed || !check.Minor && check.Spare == ""
	}
	for _, reached := range spares {
		needed = needed || !reached
	}
	if needed {
		out.Status = "unavailable"
	}
	return out
}

// absent knows which parts were out of reach when they were last asked, so that the log
// tells of an outage when it begins and when it ends, not whenever a load balancer asks.
// Safe for concurrent use; its zero value is ready.
type absent struct {
	mu    sync.Mutex
	parts map[string]bool
}

// note reports whether this is another state than the last one.
func (a *absent) note(part string, away bool) (changed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.parts == nil {
		a.parts = make(map[string]bool)
	}
	changed = a.parts[part] != away
	a.parts[part] = away
	return changed
}
