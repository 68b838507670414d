package chat_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"github.com/parley-chat/parley/internal/chat"
)

// The permission matrix. A column is a role; y: may, n: forbidden. Who is no
// member, or has a role that does not exist, gets not_found on every line.
const (
	matrixRoles  = "member admin owner"
	groupMatrix  = "group and channel"
	directMatrix = "direct"
)

var matrix = map[string]map[chat.Action]string{
	groupMatrix: {
		chat.ActRead:          "yyy",
		chat.ActSend:          "yyy",
		chat.ActEditOwn:       "yyy",
		chat.ActDeleteOwn:     "yyy",
		chat.ActDeleteOthers:  "nyy",
		chat.ActEditOthers:    "nnn",
		chat.ActReact:         "yyy",
		chat.ActUpdate:        "nyy",
		chat.ActAddMembers:    "nyy",
		chat.ActRemoveMembers: "nyy",
		chat.ActSetRoles:      "nyy",
		chat.ActLeave:         "yyy",
		chat.ActPin:           "nyy",
		chat.ActInvite:        "nyy",
		chat.ActBlock:         "nnn",
		chat.ActCall:          "yyy",
	},
	directMatrix: {
		chat.ActRead:          "yyy",
		chat.ActSend:          "yyy",
		chat.ActEditOwn:       "yyy",
		chat.ActDeleteOwn:     "yyy",
		chat.ActDeleteOthers:  "nnn",
		chat.ActEditOthers:    "nnn",
		chat.ActReact:         "yyy",
		chat.ActUpdate:        "nnn",
		chat.ActAddMembers:    "nnn",
		chat.ActRemoveMembers: "nnn",
		chat.ActSetRoles:      "nnn",
		chat.ActLeave:         "nnn",
		chat.ActPin:           "yyy",
		chat.ActInvite:        "nnn",
		chat.ActBlock:         "yyy",
		chat.ActCall:          "yyy",
	},
}

// inChannels are the lines that are others in channels than in groups.
var inChannels = map[chat.Action]string{chat.ActCall: "nnn"}

func TestPermissionMatrix(t *testing.T) {
	for _, kind := range []chat.ConversationKind{chat.Direct, chat.Group, chat.Channel} {
		rows := matrix[groupMatrix]
		if kind == chat.Direct {
			rows = matrix[directMatrix]
		}
		for act, row := range rows {
			if other, ok := inChannels[act]; ok && kind == chat.Channel {
				row = other
			}
			for i, role := range strings.Fields(matrixRoles) {
				err := chat.May(kind, &chat.Member{Role: chat.Role(role)}, act)
				if may := row[i] == 'y'; may && err != nil || !may && !errors.Is(err, chat.ErrForbidden) {
					t.Errorf("%s, %s, %s: got %v, want %c", kind, role, act, err, row[i])
				}
			}
			for name, m := range map[string]*chat.Member{"nobody": nil, "no role": {}, "an unknown role": {Role: "root"}} {
				if err := chat.May(kind, m, act); !errors.Is(err, chat.ErrNotFound) {
					t.Errorf("%s, %s, %s: got %v, want ErrNotFound", kind, name, act, err)
				}
			}
		}
		for _, role := range strings.Fields(matrixRoles) {
			if err := chat.May(kind, &chat.Member{Role: chat.Role(role)}, "an action that does not exist"); !errors.Is(err, chat.ErrForbidden) {
				t.Errorf("%s, %s, unknown action: got %v, want ErrForbidden", kind, role, err)
			}
		}
	}
}

// A new action needs a line in the matrix.
func TestMatrixIsComplete(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "permission.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	actions := 0
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, ok := v.Type.(*ast.Ident); ok && id.Name == "Action" {
			lit, ok := v.Values[0].(*ast.BasicLit)
			if !ok {
				t.Fatalf("%s is not a plain constant", v.Names[0])
			}
			actions++
			act := chat.Action(strings.Trim(lit.Value, `"`))
			for name, rows := range matrix {
				if len(rows[act]) != 3 {
					t.Errorf("%s has no line in the matrix of %s", v.Names[0], name)
				}
			}
		}
		return true
	})
	for name, rows := range matrix {
		if len(rows) != actions {
			t.Errorf("the matrix of %s has %d lines, there are %d actions", name, len(rows), actions)
		}
	}
}

func TestSees(t *testing.T) {
	m := &chat.Member{VisibleFrom: 5}
	if m.Sees(4) || !m.Sees(5) || !m.Sees(6) {
		t.Error("a member sees from VisibleFrom on")
	}
	var nobody *chat.Member
	if nobody.Sees(100) {
		t.Error("who is no member sees something")
	}
}

func TestRoleValid(t *testing.T) {
	for role, want := range map[chat.Role]bool{
		chat.RoleOwner: true, chat.RoleAdmin: true, chat.RoleMember: true, "": false, "Owner": false, "owner ": false,
	} {
		if role.Valid() != want {
			t.Errorf("%q: got %v, want %v", role, !want, want)
		}
	}
}
