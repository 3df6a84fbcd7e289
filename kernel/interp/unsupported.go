package interp

import (
	"go/ast"
	"go/token"
	"go/types"
)

// unsupported finds what is correct Go and yet beyond the interpreter, to be
// refused in words that say so.
func (c *checked) unsupported(fset *token.FileSet) []types.Error {
	var found []types.Error
	refuse := func(n ast.Node, msg string) {
		found = append(found, types.Error{Fset: fset, Pos: n.Pos(), Msg: "cells cannot " + msg})
	}
	for _, i := range c.items {
		for _, n := range returns(i) {
			refuse(n, "return: only functions can; an error that a cell leaves in a variable fails the cell by itself")
		}
		ast.Inspect(i.node, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncType:
				if n.TypeParams != nil {
					refuse(n.TypeParams, "declare functions with type parameters: write one for the type at hand")
				}
			case *ast.TypeSpec:
				if n.TypeParams != nil {
					refuse(n.TypeParams, "declare types with type parameters: write one for the type at hand")
				}
			case *ast.RangeStmt:
				if _, ok := under(c.info.Types[n.X].Type).(*types.Signature); ok {
					refuse(n.X, "range over a function: call it with a function literal")
				}
			}
			return true
		})
	}
	return found
}

// returns lists the returns of an item that stand in no function.
func returns(i *item) []*ast.ReturnStmt {
	var found []*ast.ReturnStmt
	if i.statement() == nil {
		return nil
	}
	ast.Inspect(i.statement(), func(n ast.Node) bool {
		if r, ok := n.(*ast.ReturnStmt); ok {
			found = append(found, r)
		}
		_, inFunction := n.(*ast.FuncLit)
		return !inFunction
	})
	return found
}

// generic says of packages of nothing but generic functions what to do.
var generic = map[string]string{
	"slices": "use package sort, or a loop", "maps": "use a loop", "cmp": "use <", "iter": "use a function literal", "unique": "use a map", "weak": "use a pointer",
}
