// Command gen writes docs/config.md.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/parley-chat/parley/internal/config"
)

func main() {
	out := flag.String("o", "", "the file to write")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(path string) error {
	var b strings.Builder
	if err := config.Markdown(&b); err != nil {
		return fmt.Errorf("generate: %w", err)
	}
	return os.WriteFile(path, []byte(b.String()), 0o644) //nolint:gosec // a document, for everybody to read
}
