package sequencer_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/parley-chat/parley/internal/chat"
	"github.com/parley-chat/parley/internal/chat/chattest"
)

// Each operation on a message's way fails, as "not applied" and as "applied, but
// the answer was lost", early, late and several times in a row; with an owner
// that remembers and with one that is another process. Nothing acked is lost,
// nothing is there twice, numbers stay dense, a retry gives the first entry.
func TestFaults(t *testing.T) {
	const people, each = 4, 8
	places := map[string][][2]int{"memory": {{1, 1}, {2, 4}, {9, 9}}, "sqlite": {{2, 4}}}
	stores := map[string]func(t testing.TB) chattest.LogStore{
		"memory": func(testing.TB) chattest.LogStore { return chattest.NewMemory() },
		"sqlite": func(t testing.TB) chattest.LogStore { return openSQL(t) },
	}
	for store, open := range stores {
		for _, op := range chattest.Ops() {
			for _, mode := range []chattest.Mode{chattest.NotApplied, chattest.AnswerLost} {
				for _, calls := range places[store] {
					for _, fresh := range []bool{false, true} {
						name := fmt.Sprintf("%s/%s %s/calls %d to %d/another process %v", store, op, mode, calls[0], calls[1], fresh)
						t.Run(name, func(t *testing.T) {
							synctest.Test(t, func(t *testing.T) {
								p := newPipeline(t, open(t))
								p.faults.Fail(op, mode, calls[0], calls[1])
								runFaulty(t, p, fresh, people, each)
							})
						})
					}
				}
			}
		}
	}
}

// The same on a real server, where time cannot be made to stand still.
func TestFaultsPostgres(t *testing.T) {
	const people, each = 3, 5
	for _, op := range []chattest.Op{chattest.OpPosition, chattest.OpLoad, chattest.OpCommit} {
		for _, mode := range []chattest.Mode{chattest.NotApplied, chattest.AnswerLost} {
			for _, fresh := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %s/another process %v", op, mode, fresh), func(t *testing.T) {
					p := newPipeline(t, openPostgres(t))
					p.faults.Fail(op, mode, 2, 3)
					runFaulty(t, p, fresh, people, each)
				})
			}
		}
	}
}

func runFaulty(t *testing.T, p *pipeline, fresh bool, people, each int) {
	if fresh {
		p.fresh()
	}
	rooms := make([]chat.ConversationID, people+1)
	for i := range rooms {
		rooms[i] = chattest.Room(i)
	}
	p.subscribe(rooms, nil)
	stop := p.start()
	told := p.workload(people, each)
	p.checkRetries(told)
	stop()
	p.check(told)
	for user, list := range told {
		if len(list) != each {
			t.Errorf("%s was acked %d times, want %d", user, len(list), each)
		}
	}
	if !fresh {
		p.checkPublished(people + 1)
	}
	p.sink.Wait(t, 0, 0, 1)
}

// Several operations fail all the time, at random places that follow from the seed.
func TestManyFaults(t *testing.T) {
	for seed := range 20 {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPipeline(t, chattest.NewMemory())
				x := uint32(seed + 1)
				for _, op := range chattest.Ops() {
					mode := chattest.NotApplied
					for at := 1; at < 120; {
						x = x*1664525 + 1013904223
						if x>>31 == 0 {
							mode = chattest.AnswerLost
						}
						at += 2 + int(x>>20)%12
						p.faults.Fail(op, mode, at, at+int(x>>16)%2)
					}
				}
				runFaulty(t, p, seed%2 == 0, 5, 12)
				if p.faults.Hits() < 10 {
					t.Errorf("only %d calls failed", p.faults.Hits())
				}
			})
		})
	}
}
