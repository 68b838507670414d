//go:build sabotage && sabotage_reorder_sends

package sabotage

const chosen = reorderSends
