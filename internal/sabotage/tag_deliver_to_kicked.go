//go:build sabotage && sabotage_deliver_to_kicked

package sabotage

const chosen = deliverToKicked
