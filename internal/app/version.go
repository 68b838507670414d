package app

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

// release is set by the linker: -ldflags "-X github.com/parley-chat/parley/internal/app.release=v1.2.3".
var release string //nolint:gochecknoglobals // the linker knows nothing else

// Version is the release, or what the Go tool noted of the source.
func Version() string {
	revision, modified := "", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision" && len(s.Value) >= 12:
				revision = s.Value[:12]
			case s.Key == "vcs.modified" && s.Value == "true":
				modified = "+changes"
			}
		}
	}
	switch {
	case release != "" && revision != "":
		return release + " (" + revision + modified + ")"
	case release != "":
		return release
	case revision != "":
		return "development (" + revision + modified + ")"
	}
	return "development"
}

func version(_ context.Context, io IO) error {
	if len(io.Args) > 0 {
		return usage("version takes no arguments")
	}
	_, err := fmt.Fprintf(io.Stdout, "parley %s, %s, %s/%s\n", Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err //nolint:wrapcheck // of the output
}
