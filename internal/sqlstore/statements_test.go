package sqlstore

import "testing"

// Statement is a statement as PostgreSQL gets it.
type Statement struct {
	Text string
	// Batch: it runs on the path of a batch, where only the way by an index is open.
	Batch bool
}

// PostgresStatements are the statements whose cost counts, by name.
func PostgresStatements(t *testing.T) map[string]Statement {
	t.Helper()
	out := make(map[string]Statement)
	for name, m := range map[string]multi{
		"loadHeads": loadHeads, "loadMembers": loadMembers, "loadSent": loadSent, "loadCalls": loadCalls, "loadMessages": loadMessages, "loadFewMembers": loadFewMembers, "loadLastMessages": loadLastMessages,
		"messageBodies": messageBodies, "otherBodies": otherBodies, "redactMessages": redactMessages, "redactOthers": redactOthers,
		"forgetRefs": forgetRefs, "forgetMentions": forgetMentions, "lockMembers": lockMembers, "removeMembers": removeMembers,
		"putReads": putReads, "putHeads": putHeads, "putMembers": putMembers, "putMessages": putMessages,
		"messagesIn": messagesIn, "othersIn": othersIn, "putHashes": putHashes, "dropHashes": dropHashes,
	} {
		out[name] = Statement{rewritePostgres(m.array), true}
	}
	for name, text := range map[string]string{
		"moveOn": moveOn, "moveFromStart": moveFromStart, "claimParts": claimParts, "batchesNext": batchesNext, "indexedAll": indexedAll,
	} {
		out[name] = Statement{text, true}
	}
	for name, m := range map[string]multi{
		"messagesAt": messagesAt, "headSeqs": headSeqs, "usersByID": usersByID, "lastSeenByID": lastSeenByID, "putSeen": putSeen,
		"conversationViews": conversationViews, "lastMessageEntries": lastMessageEntries, "lastOtherEntries": lastOtherEntries,
		"membersReceipts": membersReceipts, "standings": standings, "ordinals": ordinals, "moveMembers": moveMembers,
		"touchConversations": touchConversations, "listBlockers": listBlockers,
	} {
		out[name] = Statement{rewritePostgres(m.array), false}
	}
	for name, text := range map[string]string{
		"listMembers": listMembers, "messagesBefore": messagesBefore, "messagesFrom": messagesFrom, "listConversations": listConversations,
		"namesBegin": namesBegin, "namesHold": namesHold, "namesAll": namesAll, "activeMemberOf": activeMemberOf, "lookAtLatest": lookAtLatest, "lookAtTerms": lookAtTerms, "lookAtAll": lookAtAll,
		"filesOfAllSorts": filesOfAllSorts, "filesOfOneSort": filesOfOneSort, "pinnedMessages": pinnedMessages,
		"countBlocks": countBlocks, "listBlocks": listBlocks, "listHidden": listHidden, "listDeparted": listDeparted,
		"readPreferences": readPreferences, "useInvite": useInvite,
	} {
		out[name] = Statement{rewritePostgres(text), false}
	}
	for name, text := range compiled(t) {
		out[name] = Statement{rewritePostgres(text), false}
	}
	return out
}
