package sqlstore_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/parley-chat/parley/internal/sqlstore"
	"github.com/parley-chat/parley/internal/sqlstore/sqltest"
)

// Nodes that may have company share the database; one that may not has it alone.
func TestPlacesInADatabase(t *testing.T) {
	address := place(t)
	try := func(alone bool) (*sqlstore.Store, error) {
		return sqlstore.OpenPostgres(t.Context(), address, sqlstore.PostgresOptions{Alone: alone, Patience: time.Minute})
	}
	one := openAddress(t, address, patient)
	two := openAddress(t, address, patient)
	if _, err := try(true); !errors.Is(err, sqlstore.ErrInUse) {
		t.Errorf("a node that must be alone beside two others: got %v, want ErrInUse", err)
	}
	openAddress(t, address, sqlstore.PostgresOptions{Shared: true, Patience: time.Minute}) // the operator is no node
	if err := errors.Join(one.Close(), two.Close()); err != nil {
		t.Fatal(err)
	}
	alone, err := try(true)
	if err != nil {
		t.Fatal(err)
	}
	for _, second := range []bool{false, true} {
		if _, err := try(second); !errors.Is(err, sqlstore.ErrInUse) {
			t.Errorf("a second node, alone %v: got %v, want ErrInUse", second, err)
		}
	}
	if pools := alone.Pools(); len(pools) != 2 || pools[0].Name != "requests" || pools[1].Most != 8 {
		t.Errorf("got %+v, want the figures of two pools", pools)
	}
	if err := alone.Close(); err != nil {
		t.Fatal(err)
	}
	openAddress(t, address, patient)
}

// A place is free once the store that had it is closed: whoever starts then is let in.
func TestAPlaceIsFreeAfterClose(t *testing.T) {
	address := place(t)
	for range 100 {
		s, err := sqlstore.OpenPostgres(t.Context(), address, sqlstore.PostgresOptions{Alone: true, Patience: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A place that was lost with its connection is taken again, or it is told who has it.
func TestALostPlaceIsTakenAgain(t *testing.T) {
	address := place(t)
	s := openAddress(t, address, sqlstore.PostgresOptions{Alone: true, Patience: time.Minute})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { s.Maintain(ctx, func(err error) { t.Errorf("got %v, want nothing told", err) }) })
	defer running.Wait()
	defer cancel()
	admin := sqltest.Dial(t, address)
	// This schema's lock only: others use the server too.
	const end = `SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' AND granted AND
		((classid::bigint << 32) | objid::bigint) = hashtextextended('parley nodes ' || current_schema(), 0)`
	var ended int
	if err := admin.QueryRow(t.Context(), end).Scan(&ended); err != nil || ended != 1 {
		t.Fatalf("got %d connections ended, %v; want 1", ended, err)
	}
	const held = `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND
		((classid::bigint << 32) | objid::bigint) = hashtextextended('parley nodes ' || current_schema(), 0)`
	for until := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		var n int
		if err := admin.QueryRow(t.Context(), held).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n == 1 {
			return
		}
		if time.Now().After(until) {
			t.Fatal("the place was not taken again")
		}
	}
}
