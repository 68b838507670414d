package turn

import (
	"context"
	"time"
)

const (
	// lookEvery is how often is asked whose calls have ended, and lookPatience how long
	// that may take for all.
	lookEvery    = 20 * time.Second
	lookPatience = 10 * time.Second
	// afterCall is how long a relay stays after its owner was seen in a call: what is
	// known of calls may be forgotten and put back meanwhile.
	afterCall = time.Minute
)

// look ends the relays of people who have left their calls. Devices let go of theirs by
// themselves: this is for those that do not. Where nobody can say who is in a call, all stay.
func (s *Server) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	for _, user := range s.sessions.people() {
		if in, err := s.o.InCall(ctx, user); in || err != nil {
			s.sessions.saw(user, s.o.Clock())
		}
	}
	for _, port := range s.sessions.left(s.o.Clock()) {
		if s.relays.end(port) { // pion forgets a relay whose socket is closed
			s.gone.Add(1)
		}
	}
}
