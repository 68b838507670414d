//go:build sabotage && sabotage_late_removal

package sabotage

const chosen = lateRemoval
