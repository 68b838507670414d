//go:build sabotage && sabotage_replay_off_by_one

package sabotage

const chosen = replayOffByOne
