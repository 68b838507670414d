// Package web holds the built web client. It hides where the files of the
// client come from: `pnpm build` writes them to dist, and the compiler takes
// them into the binary.
package web

import (
	"embed"
	"io/fs"
)

// dist always holds .gitkeep, so that the module compiles without a web build.
//
//go:embed all:dist
var dist embed.FS

// Dist gives the files of the web client, with index.html at the root, and
// whether the client was built before the binary was. If built is false, the
// file system holds nothing to serve. It is safe for concurrent use.
func Dist() (files fs.FS, built bool) {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		return dist, false
	}
	_, err = fs.Stat(files, "index.html")
	return files, err == nil
}
