package sqlstore

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// plan gives how SQLite would run a query, a step a line.
func plan(t *testing.T, s *Store, text string) string {
	t.Helper()
	args := make([]any, 0, 64)
	if numbered := regexp.MustCompile(`\?\d`).FindAllString(text, -1); len(numbered) > 0 {
		args = append(args, 0, 0, 0, 0, 0, 0, 0, 0)[:numbers(numbered)]
	} else {
		for range strings.Count(text, "?") {
			args = append(args, 0)
		}
	}
	rows, err := s.write.db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+text, args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	defer func() { _ = rows.Close() }()
	var out strings.Builder
	for rows.Next() {
		var a, b, c int
		var step string
		if err := rows.Scan(&a, &b, &c, &step); err != nil {
			t.Fatal(err)
		}
		out.WriteString(step + "\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// numbers gives the highest of ?1, ?2 …
func numbers(found []string) (most int) {
	for _, f := range found {
		most = max(most, int(f[1]-'0'))
	}
	return most
}

// texts are the queries of this package, by name.
func texts(t *testing.T, s *Store) map[string]string {
	t.Helper()
	out := map[string]string{
		"listMembers": listMembers, "findMembers": findMembers, "messagesBefore": messagesBefore, "messagesFrom": messagesFrom,
		"listConversations": listConversations, "liteBegin": liteBegin, "liteHold": liteHold, "liteAll": liteAll, "filesOfAllSorts": filesOfAllSorts,
		"filesOfOneSort": filesOfOneSort, "pinnedMessages": pinnedMessages, "listHidden": listHidden, "listBlocks": listBlocks, "listDeparted": listDeparted,
		"listInvites": listInvites, "inviteByToken": inviteByToken, "listSubscriptions": listSubscriptions, "claimJobs": claimJobs, "movePosition": movePosition,
	}
	for name, m := range map[string]multi{
		"loadHeads": loadHeads, "loadMembers": loadMembers, "loadSent": loadSent, "loadCalls": loadCalls, "loadMessages": loadMessages, "loadFewMembers": loadFewMembers, "loadLastMessages": loadLastMessages, "messagesAt": messagesAt,
		"headSeqs": headSeqs, "usersByID": usersByID, "lastSeenByID": lastSeenByID, "conversationViews": conversationViews,
		"lastMessageEntries": lastMessageEntries, "lastOtherEntries": lastOtherEntries, "membersReceipts": membersReceipts,
		"standings": standings, "putReads": putReads, "redactMessages": redactMessages, "redactOthers": redactOthers,
		"forgetRefs": forgetRefs, "forgetMentions": forgetMentions, "removeMembers": removeMembers, "messageBodies": messageBodies, "otherBodies": otherBodies,
		"ordinals": ordinals, "moveMembers": moveMembers, "touchConversations": touchConversations, "putSeen": putSeen,
	} {
		out[name] = m.sized[1]
	}
	maps.Copy(out, compiled(t))
	return out
}

// compiled are the queries that sqlc compiles.
func compiled(t *testing.T) map[string]string {
	t.Helper()
	out := make(map[string]string)
	files, err := filepath.Glob("queries/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("found no queries: %v", err)
	}
	named := regexp.MustCompile(`(?s)-- name: (\w+) :\w+\n(.*?);`)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range named.FindAllStringSubmatch(string(data), -1) {
			text := regexp.MustCompile(`sqlc\.arg\(\w+\)`).ReplaceAllString(m[2], "?")
			out[m[1]] = regexp.MustCompile(`sqlc\.embed\((\w+)\)`).ReplaceAllString(text, "$1.*")
		}
	}
	return out
}

// No query reads a whole table, and those whose order an index gives sort nothing.
func TestQueryPlans(t *testing.T) {
	s, err := Open(t.Context(), t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	// Sorted when they are asked for: few rows, or nothing else would do.
	sorts := map[string]bool{
		"Receipts": true, "ListSessions": true, "listConversations": true, "membersReceipts": true, "liteBegin": true, "liteHold": true,
		"listBlocks": true, "pinnedMessages": true, "listSubscriptions": true, "findMembers": true,
	}
	whole := regexp.MustCompile(`(?m)^SCAN (?:\w+ )?(?:accounts|sessions|files|file_refs|conversations|members|message_entries|other_entries|message_states|[a-fmrcs])\b.*$`)
	for name, text := range texts(t, s) {
		steps := plan(t, s, text)
		if scan := whole.FindString(steps); scan != "" {
			t.Errorf("%s reads a whole table: %s\n%s", name, scan, steps)
		}
		if strings.Contains(steps, "TEMP B-TREE") && strings.Contains(steps, "ORDER BY") && !sorts[name] {
			t.Errorf("%s sorts:\n%s", name, steps)
		}
	}
	// A page begins at its edge, wherever the reader's history begins.
	for name, want := range map[string]string{
		"messagesBefore": "(conversation_id=? AND seq>? AND seq<?)",
		"messagesFrom":   "(conversation_id=? AND seq>?)",
		"pinnedMessages": "message_states_pinned (conversation_id=?",
	} {
		if steps := plan(t, s, texts(t, s)[name]); !strings.Contains(steps, want) {
			t.Errorf("%s does not use %s:\n%s", name, want, steps)
		}
	}
}
