//go:build sabotage && sabotage_reuse_seq

package sabotage

const chosen = reuseSeq
