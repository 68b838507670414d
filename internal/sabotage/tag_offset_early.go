//go:build sabotage && sabotage_offset_early

package sabotage

const chosen = offsetEarly
