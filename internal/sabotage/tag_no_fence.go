//go:build sabotage && sabotage_no_fence

package sabotage

const chosen = noFence
