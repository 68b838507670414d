package engineio

// PollPending reports whether a poll is waiting for something to say.
func (c *Conn) PollPending() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.poll != nil && c.poll.waiter != nil
}

// Unfinished is the number of bytes held back for messages that are not complete.
func (s *Server) Unfinished() int64 { return s.inbound.Load() }

// Known is the number of sessions that requests can name.
func (s *Server) Known() int {
	n := 0
	s.each(func(*Conn) { n++ })
	return n
}

// Watched is the number of connections with a deadline.
func (s *Server) Watched() int { return s.wheel.Len() }
