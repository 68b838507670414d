package sqlstore_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/parley-chat/parley/internal/sqlstore"
	"github.com/parley-chat/parley/internal/sqlstore/sqltest"
)

var update = flag.Bool("update", false, "write testdata anew")

const planFile = "testdata/plans_postgres.txt"

// seed fills a store with so much that reading a whole table is never the
// cheapest way: 40,000 messages in 2,000 conversations of 4, and one of 6,000.
var seed = []string{
	`INSERT INTO accounts SELECT decode(md5('u' || i), 'hex'), 'user' || i, 'User' || i, 'Name ' || md5('n' || i), 'user' || i, 'name ' || md5('n' || i),
		'', NULL, '', '', '{}', i, i, 0 FROM generate_series(1, 6000) i`,
	`INSERT INTO sessions SELECT decode(md5('x' || i), 'hex'), decode(md5('u' || i), 'hex'), sha256(('x' || i)::bytea), i, i, i, '', ''
		FROM generate_series(1, 6000) i`,
	`INSERT INTO conversations SELECT decode(md5('c' || i), 'hex'), 'group', 'title', NULL, decode(md5('u' || i), 'hex'), i, 30, 29, 20, 20, i, i,
		CASE i WHEN 1 THEN 6000 ELSE 4 END, 1 FROM generate_series(1, 2000) i`,
	`INSERT INTO members SELECT decode(md5('c' || c), 'hex'), decode(md5('u' || u), 'hex'), 'member', 2, 1, u, u, 1 + u % 30, 1 + u % 30, 1 + u % 20, u
		FROM generate_series(1, 2000) c, generate_series(1, CASE c WHEN 1 THEN 6000 ELSE 4 END) u`,
	`INSERT INTO message_entries SELECT decode(md5('c' || c), 'hex'), s, s, decode(md5('u' || 1 + s % 5), 'hex'), 'k' || s, '{}'
		FROM generate_series(1, 2000) c, generate_series(1, 20) s`,
	`INSERT INTO other_entries SELECT decode(md5('c' || c), 'hex'), s, '{}' FROM generate_series(1, 2000) c, generate_series(21, 30) s`,
	`INSERT INTO message_states (conversation_id, seq, text, edited_at, deleted_at, deleted, reactions, edits, pinned_at)
		SELECT decode(md5('c' || c), 'hex'), s, '', 1, 0, s % 2, '', '', s % 3 FROM generate_series(1, 2000) c, generate_series(1, 10) s`,
	`INSERT INTO message_terms SELECT decode(md5('c' || c), 'hex'), s, s, ARRAY[c, 100000 + s, 200000 + c * 10 + s % 10, 300000 + (c * 31 + s) % 997]
		FROM generate_series(1, 2000) c, generate_series(1, 20) s`,
	`INSERT INTO files SELECT decode(md5('f' || i), 'hex'), decode(md5('u' || i), 'hex'), '', 1, 'image/png', 1, 1, 1, sha256(('f' || i)::bytea), i, 0
		FROM generate_series(1, 6000) i`,
	`INSERT INTO file_refs SELECT decode(md5('f' || i), 'hex'), decode(md5('c' || 1 + i % 2000), 'hex'), 1 + i % 50, 'media' FROM generate_series(1, 6000) i`,
	`INSERT INTO mentions SELECT decode(md5('u' || i), 'hex'), decode(md5('c' || 1 + i % 2000), 'hex'), 1 + i % 50 FROM generate_series(1, 6000) i`,
	`INSERT INTO call_entries SELECT decode(md5('c' || 1 + i % 2000), 'hex'), decode(md5('u' || i), 'hex'), 'k' || i, 1 + i % 50 FROM generate_series(1, 6000) i`,
	`INSERT INTO blocks SELECT decode(md5('u' || i), 'hex'), decode(md5('u' || 1 + i % 1000), 'hex'), i FROM generate_series(1, 6000) i`,
	`INSERT INTO departures SELECT decode(md5('u' || i), 'hex'), decode(md5('c' || 1 + i % 2000), 'hex'), i FROM generate_series(1, 6000) i`,
	`INSERT INTO preferences SELECT decode(md5('u' || i), 'hex'), decode(md5('c' || 1 + i % 2000), 'hex'), i, 'all', 0, 0 FROM generate_series(1, 6000) i`,
	`INSERT INTO invites SELECT decode(md5('i' || i), 'hex'), decode(md5('c' || 1 + i % 2000), 'hex'), sha256(('i' || i)::bytea), decode(md5('u' || i), 'hex'), i, i, 0, 0
		FROM generate_series(1, 6000) i`,
	`INSERT INTO ended_sessions SELECT decode(md5('x' || i), 'hex'), decode(md5('u' || i), 'hex'), i FROM generate_series(1, 6000) i`,
	`INSERT INTO unindexed (log, part, conversation_ids, after_seqs, last_seqs) SELECT 'log', i % 12, '{}', '{}', '{}' FROM generate_series(1, 6000) i`,
	`INSERT INTO positions SELECT 'log', i, 1, 0 FROM generate_series(0, 11) i`,
	`VACUUM ANALYZE message_terms`,
	// The schema's own tables: others make theirs, and drop them, at the same time.
	`DO $$ DECLARE t name; BEGIN
		FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema() LOOP EXECUTE 'ANALYZE ' || quote_ident(t); END LOOP;
	END $$`,
}

// wholeTables are the statements that may read one: their tables are small, or
// they are run by hand or by the hour.
var wholeTables = map[string][]string{
	"Position":   {"positions"}, // a row for each partition
	"claimParts": {"positions"},
	"Orphans":    {"file_refs", "accounts", "conversations"}, // looks for what is nowhere
}

// needed are the indexes that a statement is worth little without.
var needed = map[string]string{
	"loadSent":       "message_entries_conversation_id_sender_id_client_id_key",
	"loadCalls":      "call_entries_pkey",
	"loadMembers":    "message_entries_conversation_id_sender_id_client_id_key", // the greatest client id
	"messagesBefore": "message_entries_pkey",
	"messagesFrom":   "message_entries_pkey",
	"ordinals":       "message_entries_pkey",
	"lookAtLatest":   "message_terms_recent",
	"lookAtTerms":    "message_terms_terms",
	"lookAtAll":      "message_terms_terms",
	"namesBegin":     "accounts_username_key",
	"namesHold":      "accounts_parts",
	"namesAll":       "accounts_folded_key",
	"SessionByToken": "sessions_token_hash_key",
	"listMembers":    "members_order",
}

// How PostgreSQL runs each statement is kept in testdata, with its estimate of
// the cost in pages read one after the other; -update writes it. Here no statement
// may read a whole table, nor cost much more than it did.
func TestPostgresQueryPlans(t *testing.T) {
	address := place(t)
	openAddress(t, address, patient)
	conn := sqltest.Dial(t, address)
	for _, text := range seed {
		if _, err := conn.Exec(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	plans := make(map[string]string)
	for name, st := range sqlstore.PostgresStatements(t) {
		plans[name] = explain(t, conn, name, st)
		for _, table := range regexp.MustCompile(`Seq Scan on (\w+)`).FindAllStringSubmatch(plans[name], -1) {
			if !slices.Contains(wholeTables[name], table[1]) {
				t.Errorf("%s reads all of %s:\n%s", name, table[1], plans[name])
			}
		}
	}
	var golden strings.Builder
	for _, name := range slices.Sorted(maps.Keys(plans)) {
		fmt.Fprintf(&golden, "%s\n%s\n", name, plans[name])
	}
	if *update {
		if err := os.WriteFile(planFile, []byte(golden.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(planFile)
	if err != nil {
		t.Fatal(err)
	}
	want := make(map[string]string)
	for part := range strings.SplitSeq(strings.TrimSpace(string(kept)), "\n\n") {
		name, plan, _ := strings.Cut(part, "\n")
		want[name] = plan
	}
	if len(want) != len(plans) {
		t.Errorf("%s has %d statements, want %d: run go test -run QueryPlans -update", planFile, len(want), len(plans))
	}
	for name, plan := range plans {
		if !strings.Contains(plan, needed[name]) {
			t.Errorf("%s does not use %s:\n%s", name, needed[name], plan)
		}
		if now, was := costOf(t, plan), costOf(t, want[name]); now > 4*was+100 {
			t.Errorf("%s costs %.0f, and did cost %.0f:\n%s", name, now, was, plan)
		}
	}
}

// explain gives the plan that serves for all parameters.
func explain(t *testing.T, conn *pgx.Conn, name string, st sqlstore.Statement) string {
	t.Helper()
	ctx := t.Context()
	settings := map[string]string{"plan_cache_mode": "force_generic_plan", "jit": "off"}
	for _, way := range []string{"enable_seqscan", "enable_hashjoin", "enable_mergejoin"} {
		settings[way] = map[bool]string{false: "on", true: "off"}[st.Batch]
	}
	for setting, value := range settings {
		mustExec(ctx, t, conn, "SET "+setting+" = "+value)
	}
	mustExec(ctx, t, conn, "PREPARE q AS "+st.Text)
	defer mustExec(ctx, t, conn, "DEALLOCATE q")
	parameters := 0
	for _, m := range regexp.MustCompile(`\$(\d+)`).FindAllStringSubmatch(st.Text, -1) {
		var n int
		if _, err := fmt.Sscan(m[1], &n); err != nil {
			t.Fatal(err)
		}
		parameters = max(parameters, n)
	}
	call := "EXPLAIN EXECUTE q"
	if parameters > 0 {
		call += "(" + strings.TrimSuffix(strings.Repeat("NULL, ", parameters), ", ") + ")"
	}
	rows, err := conn.Query(ctx, call, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return strings.Join(lines, "\n") + "\n"
}

func mustExec(ctx context.Context, t *testing.T, conn *pgx.Conn, text string) {
	t.Helper()
	if _, err := conn.Exec(ctx, text, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

// costOf gives the estimate for all of a plan.
func costOf(t *testing.T, plan string) (cost float64) {
	t.Helper()
	m := regexp.MustCompile(`cost=[\d.]+\.\.([\d.]+)`).FindStringSubmatch(plan)
	if m == nil {
		t.Fatalf("no cost in %q", plan)
	}
	if _, err := fmt.Sscan(m[1], &cost); err != nil {
		t.Fatal(err)
	}
	return cost
}
