package floorplan

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const modulePath = "github.com/parley-chat/parley"

// root is where go.mod lies, seen from this package.
const root = "../.."

// goFile is one parsed Go file; Path and Dir are relative to the root, with slashes.
type goFile struct {
	Path, Dir string
	Test      bool
	Generated bool
	Lines     int
	AST       *ast.File
	Set       *token.FileSet
}

// position says where a node is, as an editor understands it.
func (f *goFile) position(n ast.Node) string {
	p := f.Set.Position(n.Pos())
	return f.Path + ":" + itoa(p.Line)
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + itoa(n%10)
}

var tracked = sync.OnceValues(func() ([]string, error) {
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var files []string
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		// A file that was deleted but not yet committed is listed too.
		if info, err := os.Lstat(filepath.Join(root, name)); err == nil && info.Mode().IsRegular() {
			files = append(files, name)
		}
	}
	slices.Sort(files)
	return slices.Compact(files), nil
})

// allFiles lists what is in the repository, or would be added to it.
func allFiles(t *testing.T) []string {
	t.Helper()
	files, err := tracked()
	if err != nil {
		t.Fatalf("list the repository's files with git: %v", err)
	}
	if len(files) < 10 {
		t.Fatalf("got %d files in the repository, want more", len(files))
	}
	return files
}

var parsed = sync.OnceValues(func() ([]*goFile, error) {
	names, err := tracked()
	if err != nil {
		return nil, err
	}
	var files []*goFile
	for _, name := range names {
		if !strings.HasSuffix(name, ".go") || strings.Contains(name, "/testdata/") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return nil, err
		}
		f := &goFile{
			Path:  name,
			Dir:   filepath.ToSlash(filepath.Dir(name)),
			Test:  strings.HasSuffix(name, "_test.go"),
			Lines: bytes.Count(text, []byte{'\n'}),
			Set:   token.NewFileSet(),
		}
		f.AST, err = parser.ParseFile(f.Set, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		f.Generated = ast.IsGenerated(f.AST)
		files = append(files, f)
	}
	return files, nil
})

// goFiles parses every Go file of the repository.
func goFiles(t *testing.T) []*goFile {
	t.Helper()
	files, err := parsed()
	if err != nil {
		t.Fatalf("parse the repository's Go files: %v", err)
	}
	if len(files) == 0 {
		t.Fatal("got no Go files, want some")
	}
	return files
}

// imports gives the import paths of a file.
func (f *goFile) imports() []string {
	var paths []string
	for _, spec := range f.AST.Imports {
		paths = append(paths, strings.Trim(spec.Path.Value, `"`+"`"))
	}
	return paths
}

// under reports whether dir is one of the rooms or below one of them.
func under(dir string, rooms ...string) bool {
	return slices.ContainsFunc(rooms, func(room string) bool {
		return dir == room || strings.HasPrefix(dir, room+"/")
	})
}
