//go:build sabotage && sabotage_skip_gap_fetch

package sabotage

const chosen = skipGapFetch
