// Command gen writes what is generated from package wire: the TypeScript types of
// the web client and the AsyncAPI document. Run it by go generate ./internal/wire.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/parley-chat/parley/internal/wire"
)

func main() {
	root := flag.String("root", ".", "the repository")
	flag.Parse()
	if err := run(*root); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(root string) error {
	doc, err := wire.AsyncAPI()
	if err != nil {
		return fmt.Errorf("make AsyncAPI: %w", err)
	}
	for name, data := range map[string][]byte{
		"docs/asyncapi.json":         doc,
		"web/src/wire/events.gen.ts": wire.TypeScript(),
	} {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // of the repository
			return fmt.Errorf("write %s: %w", name, err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil { //nolint:gosec // of the repository
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return nil
}
