//go:build sabotage && sabotage_reorder_frames

package sabotage

const chosen = reorderFrames
