package bench

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/parley-chat/parley/internal/program"
)

// part is a process beside the nodes, with all that it has started, such as a database.
type part struct {
	name string
	pid  int
}

// readParts reads a list such as kafka=123,redis=124.
func readParts(list string) ([]part, error) {
	if list == "" {
		return nil, nil
	}
	var all []part
	for word := range strings.SplitSeq(list, ",") {
		name, number, _ := strings.Cut(strings.TrimSpace(word), "=")
		pid, err := strconv.Atoi(number)
		if err != nil || pid < 1 || name == "" {
			return nil, fmt.Errorf("%q is not a list of name=process", list)
		}
		all = append(all, part{name, pid})
	}
	return all, nil
}

// spent is what the nodes and the other parts have used.
type spent struct {
	program.Cost                 // of the nodes
	parts        []time.Duration // of each part
}

// spend takes what everything has used so far.
func (s *server) spend() (spent, error) {
	c, err := s.cost()
	if err != nil {
		return spent{}, err
	}
	all := spent{Cost: c, parts: make([]time.Duration, len(s.parts))}
	for i, p := range s.parts {
		if all.parts[i], err = program.FamilyCPU(p.pid); err != nil {
			return spent{}, fmt.Errorf("look at %s: %w", p.name, err)
		}
	}
	return all, nil
}

// between tells the CPU for each of n operations: of the nodes, and of each part.
func (s *server) between(before, after spent, n int) string {
	text := micro(per(after.CPU-before.CPU, n))
	for i, p := range s.parts {
		text += fmt.Sprintf(", %s %s", p.name, micro(per(after.parts[i]-before.parts[i], n)))
	}
	return text
}
