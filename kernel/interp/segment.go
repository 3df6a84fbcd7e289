package interp

import (
	"fmt"
	"go/ast"
	"go/token"
)

// A segment is a run of items that declare each name once, so that they can be
// checked as one package. Mostly a cell is one segment; where it declares a
// name again, as cells may, another begins.
type segment struct {
	items []*item
	names map[string]bool // declared in it
}

// segments cuts a parsed cell, after turning each := into declarations.
func segments(items []*item, s scope) []*segment {
	current := &segment{names: map[string]bool{}}
	all := []*segment{current}
	mentioned := map[string]bool{}
	next := func() {
		current = &segment{names: map[string]bool{}}
		all = append(all, current)
		mentioned = map[string]bool{}
	}
	temps := 0
	for _, i := range items {
		for _, part := range define(i, current.names, &temps) {
			if part == nil {
				next()
				continue
			}
			for _, name := range declared(part.node) {
				// Earlier items that mention the name mean the former owner.
				if current.names[name] || mentioned[name] && !hoisted(part) && s.has(name) {
					next()
					break
				}
			}
			for _, name := range declared(part.node) {
				current.names[name] = true
			}
			for name := range mentions(part.node) {
				mentioned[name] = true
			}
			current.items = append(current.items, part)
		}
	}
	return all
}

// hoisted reports whether the item's place in the cell does not matter.
func hoisted(i *item) bool {
	g, ok := i.node.(*ast.GenDecl)
	return i.decl && (!ok || g.Tok != token.VAR)
}

// define turns a statement x, y := f() into var x, y = f(). Names that the
// segment has declared already are assigned to, as := does within one scope. A
// name whose value is computed from its former owner is declared in the next
// segment. Both go through variables of our own; nil stands for a new segment.
func define(i *item, known map[string]bool, temps *int) []*item {
	assign, ok := i.statement().(*ast.AssignStmt)
	if !ok || assign.Tok != token.DEFINE {
		return []*item{i}
	}
	fresh := false
	for _, e := range assign.Lhs {
		id, ok := e.(*ast.Ident)
		if !ok {
			return []*item{i} // the checker will refuse it
		}
		fresh = fresh || id.Name != "_" && !known[id.Name]
	}
	var names []*ast.Ident
	var assigned, declared []*item
	used := mentions(&ast.CallExpr{Fun: ast.NewIdent("_"), Args: assign.Rhs})
	for _, e := range assign.Lhs {
		id := e.(*ast.Ident)
		again := known[id.Name] && fresh
		if !again && !used[id.Name] || id.Name == "_" {
			names = append(names, id)
			continue
		}
		*temps++
		t := &ast.Ident{NamePos: id.NamePos, Name: fmt.Sprintf("%s%d", temporary, *temps)}
		names = append(names, t)
		value := []ast.Expr{&ast.Ident{NamePos: id.NamePos, Name: t.Name}}
		if again {
			a := &ast.AssignStmt{Lhs: []ast.Expr{id}, TokPos: assign.TokPos, Tok: token.ASSIGN, Rhs: value}
			assigned = append(assigned, i.with(inFunction(a)))
		} else {
			declared = append(declared, i.with(varDecl(assign, []*ast.Ident{id}, value)))
		}
	}
	out := append([]*item{i.with(varDecl(assign, names, assign.Rhs))}, assigned...)
	if len(declared) > 0 {
		out = append(append(out, nil), declared...)
	}
	return out
}

func varDecl(at *ast.AssignStmt, names []*ast.Ident, values []ast.Expr) ast.Decl {
	return &ast.GenDecl{TokPos: at.Pos(), Tok: token.VAR, Specs: []ast.Spec{&ast.ValueSpec{Names: names, Values: values}}}
}

// inFunction makes a statement what the checker takes at the top level.
func inFunction(s ast.Stmt) ast.Decl {
	return &ast.FuncDecl{
		Name: &ast.Ident{NamePos: s.Pos(), Name: "_"},
		Type: &ast.FuncType{Func: s.Pos(), Params: &ast.FieldList{}},
		Body: &ast.BlockStmt{Lbrace: s.Pos(), List: []ast.Stmt{s}, Rbrace: s.End()},
	}
}

// with returns an item at the same place with another node.
func (i *item) with(d ast.Decl) *item {
	c := *i
	c.node = d
	_, isFunc := d.(*ast.FuncDecl)
	c.decl = !isFunc
	return &c
}
