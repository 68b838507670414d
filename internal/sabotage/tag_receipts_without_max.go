//go:build sabotage && sabotage_receipts_without_max

package sabotage

const chosen = receiptsWithoutMax
