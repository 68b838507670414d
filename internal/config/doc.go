// Package config reads the settings of Parley: from flags, the environment, a
// TOML file and defaults, in this order of precedence. It hides where a setting
// came from. Everything is checked before anything starts: an unknown key, a
// value of the wrong form or a combination that cannot work is one clear
// sentence. Secrets can be read from files, and are not shown when a Config is
// logged.
package config

//go:generate go run ./gen -o ../../docs/config.md
