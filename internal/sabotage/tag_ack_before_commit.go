//go:build sabotage && sabotage_ack_before_commit

package sabotage

const chosen = ackBeforeCommit
