package interp

import (
	"fmt"
	"go/types"
	"strings"
)

// The prefix of the names that are ours: a letter nobody types.
const (
	support   = "ʀ" // the package of helpers, see support.go
	temporary = support + "t"
)

// names says what the interpreter calls each object that cells declared. It is
// the object's own name unless another had it: the interpreter would let old
// code, compiled for the former type, see the new value.
type names struct {
	of   map[types.Object]string
	used map[string]bool
	next int
}

func newNames() *names { return &names{of: map[types.Object]string{}, used: map[string]bool{}} }

// give names o, which replaces before, or nil. A variable or function that
// keeps its type keeps its place, so that old callers see the new one.
func (n *names) give(o, before types.Object) {
	if before != nil && sameKind(o, before) && types.Identical(o.Type(), before.Type()) {
		n.of[o] = n.of[before]
		return
	}
	name := o.Name()
	if n.used[name] || types.Universe.Lookup(name) != nil {
		n.next++
		name = fmt.Sprintf("%s%s%d", name, support, n.next)
	}
	n.used[name] = true
	n.of[o] = name
}

func sameKind(a, b types.Object) bool {
	switch a.(type) {
	case *types.Var:
		_, ok := b.(*types.Var)
		return ok
	case *types.Func:
		_, ok := b.(*types.Func)
		return ok
	}
	return false
}

// packageAlias is what the interpreter calls the package at path.
func packageAlias(path string) string {
	return support + "_" + strings.NewReplacer("/", "_", ".", "_", "-", "_").Replace(path)
}
