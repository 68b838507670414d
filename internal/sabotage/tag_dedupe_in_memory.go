//go:build sabotage && sabotage_dedupe_in_memory

package sabotage

const chosen = dedupeInMemory
