//go:build !laterrules

package chat

// laterRules is 0 but in programs that are built to play the next version in tests.
const laterRules = 0
