package chat

import "errors"

// RulesVersion is the version of Apply. Records carry the one they were accepted
// under, so that nodes of different versions agree on every number. Rules 2 know
// mentions, pins, blocks and joining by invitation, rules 3 know calls; what earlier
// rules know the later ones decide alike.
const RulesVersion = 3 + laterRules

// ErrNewerRules is what an owner says that was given a record which needs rules that
// it does not know. It leaves its partitions to nodes that do.
var ErrNewerRules = errors.New("the record needs rules that this program does not know")
