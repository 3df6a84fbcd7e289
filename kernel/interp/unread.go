package interp

import (
	"go/ast"
	"go/token"
	"go/types"
)

// markUnread finds, for each item, the error variables that it sets and that
// the cell does not read before they are set again or the cell ends.
func (p *program) markUnread() {
	var items []*item
	for _, c := range p.segments {
		for _, i := range c.items {
			i.unread = c.errorsSet(i)
			items = append(items, i)
		}
	}
	for k, i := range items {
		var left []types.Object
		for _, o := range i.unread {
			if !readLater(items[k+1:], o.Name()) {
				left = append(left, o)
			}
		}
		i.unread = left
	}
}

// readLater reports whether the items read name before one sets it.
func readLater(items []*item, name string) bool {
	for _, i := range items {
		set := settings(i.node)
		read := false
		ast.Inspect(i.node, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			read = read || ok && id.Name == name && !set[id]
			return true
		})
		if read {
			return true
		}
		for id := range set {
			if id.Name == name {
				return false
			}
		}
	}
	return false
}

// errorsSet lists the cell's variables of type error that i sets and does not
// read afterwards itself.
func (c *checked) errorsSet(i *item) []types.Object {
	if hoisted(i) {
		return nil
	}
	set := settings(i.node)
	last := map[types.Object]token.Pos{}
	for id := range set {
		o := c.info.Uses[id]
		if o == nil {
			o = c.info.Defs[id]
		}
		if v, ok := o.(*types.Var); ok && c.decls.Lookup(v.Name()) == o && types.Identical(v.Type(), types.Universe.Lookup("error").Type()) {
			last[o] = max(last[o], id.Pos())
		}
	}
	ast.Inspect(i.node, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && !set[id] && id.Pos() > last[c.info.Uses[id]] {
			delete(last, c.info.Uses[id])
		}
		return true
	})
	var found []types.Object
	for o := range last {
		found = append(found, o)
	}
	return found
}

// settings lists the identifiers that n sets, outside of function literals.
func settings(n ast.Node) map[*ast.Ident]bool {
	set := map[*ast.Ident]bool{}
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.AssignStmt:
			for _, e := range n.Lhs {
				if id, ok := e.(*ast.Ident); ok && (n.Tok == token.ASSIGN || n.Tok == token.DEFINE) {
					set[id] = true
				}
			}
		case *ast.ValueSpec:
			for _, id := range n.Names {
				if len(n.Values) > 0 {
					set[id] = true
				}
			}
		}
		return true
	})
	return set
}
