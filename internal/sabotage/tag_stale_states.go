//go:build sabotage && sabotage_stale_states

package sabotage

const chosen = staleStates
