//go:build sabotage && sabotage_drop_pushes

package sabotage

const chosen = dropPushes
