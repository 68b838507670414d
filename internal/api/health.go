package api

import (
	"context"
	"net/http"
	"time"
)

// checkTimeout bounds how long /readyz waits for a part.
const checkTimeout = 2 * time.Second

type healthAnswer struct {
	Status string            `json:"status" enum:"ok,unavailable"`
	Parts  map[string]string `json:"parts,omitempty" doc:"ok or unavailable, for each part"`
}

func (s *server) routeHealth() {
	s.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		s.quietly(w, r, http.StatusOK, healthAnswer{Status: "ok"})
	})
	s.mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		answer := s.ready(r.Context())
		status := http.StatusOK
		if answer.Status != "ok" {
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

// ready asks every part. Why one cannot be reached is in the log, not in the
// answer, which anybody may see.
func (s *server) ready(ctx context.Context) healthAnswer {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	out := healthAnswer{Status: "ok", Parts: make(map[string]string, len(s.Checks))}
	for _, check := range s.Checks {
		out.Parts[check.Name] = "ok"
		if err := check.Ping(ctx); err != nil {
			out.Status, out.Parts[check.Name] = "unavailable", "unavailable"
			s.Logger.WarnContext(ctx, "a part is out of reach", "part", check.Name, "error", err)
		}
	}
	return out
}
