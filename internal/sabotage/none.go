//go:build !sabotage

package sabotage

// chosen is what a build breaks: nothing, unless the tags are sabotage and one that
// names it.
const chosen = nothing
