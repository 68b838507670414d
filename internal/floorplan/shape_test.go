package floorplan

import (
	"bytes"
	"go/ast"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// maxLines is the hard limit of a source file; typical is below 400.
const maxLines = 600

// goroutineRooms are where a goroutine may start; each such start has an owner that waits for it.
var goroutineRooms = []string{
	"internal/app", "internal/gateway", "internal/inproc", "internal/kafka", "internal/redis",
	"internal/worker", "internal/call", "internal/program", "socketio", "cmd", "bench", "scripts", "test",
}

// vagueNames say nothing about what a package hides.
var vagueNames = []string{
	"util", "utils", "common", "commons", "helper", "helpers", "manager", "managers", "misc", "shared", "base", "lib", "core", "types", "models",
}

func TestPackageNamesSayWhatTheyHide(t *testing.T) {
	for _, f := range goFiles(t) {
		name := strings.TrimSuffix(f.AST.Name.Name, "_test")
		if slices.Contains(vagueNames, name) || slices.Contains(vagueNames, filepath.Base(f.Dir)) {
			t.Errorf("%s: package %s in %s: a room needs a noun", f.Path, name, f.Dir)
		}
	}
}

func TestEveryPackageHasAComment(t *testing.T) {
	commented := map[string]bool{}
	for _, f := range goFiles(t) {
		// A directory of tests only is a package too; one of generated files only is not ours.
		has := f.AST.Doc != nil && len(strings.TrimSpace(f.AST.Doc.Text())) > 0
		if !f.Generated {
			commented[f.Dir] = commented[f.Dir] || has
		}
	}
	for dir, ok := range commented {
		if !ok {
			t.Errorf("%s: no package comment; want one that says what the package hides", dir)
		}
	}
}

func TestFilesStayShort(t *testing.T) {
	for _, f := range goFiles(t) {
		if !f.Generated && f.Lines > maxLines {
			t.Errorf("%s: got %d lines, want at most %d", f.Path, f.Lines, maxLines)
		}
	}
	for _, name := range allFiles(t) {
		switch filepath.Ext(name) {
		case ".ts", ".tsx", ".js", ".mjs", ".css":
		default:
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		head := text[:min(len(text), 400)]
		if n := bytes.Count(text, []byte{'\n'}); n > maxLines && !bytes.Contains(bytes.ToLower(head), []byte("generated")) {
			t.Errorf("%s: got %d lines, want at most %d", name, n, maxLines)
		}
	}
}

func TestGoroutinesStartWhereTheyAreOwned(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.Test || f.Dir == suites || under(f.Dir, goroutineRooms...) {
			continue
		}
		ast.Inspect(f.AST, func(n ast.Node) bool {
			if start, ok := n.(*ast.GoStmt); ok {
				t.Errorf("%s: a goroutine starts here; they start in %v only", f.position(start), goroutineRooms)
			}
			return true
		})
	}
}

func TestNothingRegistersItself(t *testing.T) {
	for _, f := range goFiles(t) {
		for _, decl := range f.AST.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: func init; the fuse box calls what has to happen", f.position(fn))
			}
		}
	}
}

// TestTestsAssert finds tests that can only pass.
func TestTestsAssert(t *testing.T) {
	for _, f := range goFiles(t) {
		if !f.Test {
			continue
		}
		for _, decl := range f.AST.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Recv != nil || fn.Body == nil || !strings.HasPrefix(fn.Name.Name, "Test") || fn.Name.Name == "TestMain" {
				continue
			}
			if !usesItsT(fn) {
				t.Errorf("%s: %s never uses its *testing.T, so it cannot fail", f.position(fn), fn.Name.Name)
			}
		}
	}
}

// usesItsT reports whether a test's body names its parameter at all: to fail, or to
// hand it to something that can.
func usesItsT(fn *ast.FuncDecl) bool {
	params := fn.Type.Params.List
	if len(params) != 1 || len(params[0].Names) != 1 {
		return false
	}
	name, used := params[0].Names[0].Name, false
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Name == name {
			used = true
		}
		return !used
	})
	return used
}

func TestNoTestIsSkipped(t *testing.T) {
	for _, f := range goFiles(t) {
		if !f.Test {
			continue
		}
		ast.Inspect(f.AST, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if sel, ok := call.Fun.(*ast.SelectorExpr); ok && slices.Contains([]string{"Skip", "Skipf", "SkipNow"}, sel.Sel.Name) {
				if id, ok := sel.X.(*ast.Ident); ok && slices.Contains([]string{"t", "b", "f", "tb"}, id.Name) {
					t.Errorf("%s: a skipped test proves nothing; make what it needs a requirement of the suite", f.position(call))
				}
			}
			return true
		})
	}
}
