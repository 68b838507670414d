//go:build laterrules

package chat

// laterRules makes this program one whose rules are newer than those of its neighbours,
// to test deploys of mixed versions: go build -tags laterrules.
const laterRules = 1
