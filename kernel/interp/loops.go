package interp

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"

	"golang.org/x/tools/go/ast/astutil"
)

// rangeLoop rewrites range over an integer, and gives each iteration variables
// of its own, as Go does since 1.22, where somebody could tell.
func (r *rewriter) rangeLoop(c *astutil.Cursor, n *ast.RangeStmt) {
	if basic, ok := r.info.Types[n.X].Type.Underlying().(*types.Basic); ok && basic.Info()&types.IsInteger != 0 {
		r.replaceLoop(c, n, r.count(n))
		return
	}
	if n.Tok != token.DEFINE {
		return
	}
	var outer, inner []ast.Expr
	for _, e := range []*ast.Expr{&n.Key, &n.Value} {
		if id, ok := (*e).(*ast.Ident); ok && id.Name != "_" && r.captured(id, n.Body) {
			v := r.fresh(id.Pos())
			outer, inner = append(outer, v), append(inner, id)
			*e = v
		}
	}
	if len(inner) > 0 {
		n.Body = prepend(n.Body, shortVar(inner, outer))
	}
}

// replaceLoop replaces a loop, of which a label must not lose sight.
func (r *rewriter) replaceLoop(c *astutil.Cursor, old ast.Stmt, new ast.Stmt) {
	block, ok := new.(*ast.BlockStmt)
	if label, labelled := c.Parent().(*ast.LabeledStmt); ok && labelled {
		// The label moves to the loop inside of the block.
		last := len(block.List) - 1
		block.List[last] = &ast.LabeledStmt{Label: label.Label, Colon: label.Colon, Stmt: block.List[last]}
		r.unlabel[label] = true
	}
	c.Replace(new)
}

// count turns for i := range n into a loop of three clauses.
func (r *rewriter) count(n *ast.RangeStmt) ast.Stmt {
	at := n.Pos()
	var limit ast.Expr = n.X
	var before []ast.Stmt
	if r.info.Types[n.X].Value == nil {
		v := r.fresh(at)
		before = append(before, shortVar([]ast.Expr{v}, []ast.Expr{n.X}))
		limit = v
	}
	i := r.fresh(at)
	zero := ast.Expr(&ast.BasicLit{ValuePos: at, Kind: token.INT, Value: "0"})
	t := r.info.Types[n.X].Type
	if n.Key != nil {
		if k := r.info.Types[n.Key].Type; k != nil {
			t = k
		} else if id, ok := n.Key.(*ast.Ident); ok && r.info.Defs[id] != nil {
			t = r.info.Defs[id].Type()
		}
	}
	if t = types.Default(t); t != types.Typ[types.Int] {
		zero = convert(r.typeExpr(t, at), zero)
	}
	body := n.Body
	if id, ok := n.Key.(*ast.Ident); ok && n.Tok == token.DEFINE && id.Name != "_" && !r.captured(id, body) && !r.assigned(id, body) {
		i = id
	} else if n.Key != nil && !isBlank(n.Key) {
		body = prepend(body, &ast.AssignStmt{Lhs: []ast.Expr{n.Key}, TokPos: at, Tok: n.Tok, Rhs: []ast.Expr{i}})
	}
	loop := &ast.ForStmt{For: at, Init: shortVar([]ast.Expr{i}, []ast.Expr{zero}),
		Cond: &ast.BinaryExpr{X: i, OpPos: at, Op: token.LSS, Y: limit},
		Post: &ast.IncDecStmt{X: i, TokPos: at, Tok: token.INC}, Body: body}
	if before == nil {
		return loop
	}
	return &ast.BlockStmt{Lbrace: at, List: append(before, loop), Rbrace: n.End()}
}

// forLoop gives each iteration its own copy of captured variables. The copy is
// made at the start of an iteration from the former one, through a pointer, so
// that "continue" needs no care; the post statement then works on the new copy.
func (r *rewriter) forLoop(c *astutil.Cursor, n *ast.ForStmt) {
	init, ok := n.Init.(*ast.AssignStmt)
	if !ok || init.Tok != token.DEFINE {
		return
	}
	if !slices.ContainsFunc(init.Lhs, func(e ast.Expr) bool { return r.captured(e.(*ast.Ident), n) }) {
		return
	}
	at := n.Pos()
	first := r.fresh(at)
	before := []ast.Stmt{shortVar([]ast.Expr{first}, []ast.Expr{ast.NewIdent("true")})}
	var copies []ast.Stmt
	var starts, pointers, targets []ast.Expr
	for _, e := range init.Lhs {
		id := e.(*ast.Ident)
		start, p := r.fresh(at), r.fresh(at)
		starts = append(starts, start)
		if id.Name == "_" {
			continue
		}
		pointers, targets = append(pointers, p), append(targets, address(start))
		copies = append(copies,
			shortVar([]ast.Expr{id}, []ast.Expr{&ast.StarExpr{Star: at, X: p}}),
			&ast.AssignStmt{Lhs: []ast.Expr{p}, TokPos: at, Tok: token.ASSIGN, Rhs: []ast.Expr{address(id)}})
	}
	before = append(before, &ast.AssignStmt{Lhs: starts, TokPos: init.TokPos, Tok: token.DEFINE, Rhs: init.Rhs})
	before = append(before, shortVar(pointers, targets))
	step := &ast.IfStmt{If: at, Cond: first, Body: block(at, &ast.AssignStmt{Lhs: []ast.Expr{first}, TokPos: at, Tok: token.ASSIGN, Rhs: []ast.Expr{ast.NewIdent("false")}})}
	if n.Post != nil {
		step.Else = block(at, n.Post)
	}
	body := append(copies, step)
	if n.Cond != nil {
		body = append(body, &ast.IfStmt{If: at, Cond: &ast.UnaryExpr{OpPos: at, Op: token.NOT, X: &ast.ParenExpr{X: n.Cond}},
			Body: block(at, &ast.BranchStmt{TokPos: at, Tok: token.BREAK})})
	}
	body = append(body, n.Body.List...)
	loop := &ast.ForStmt{For: at, Body: &ast.BlockStmt{Lbrace: n.Body.Lbrace, List: body, Rbrace: n.Body.Rbrace}}
	r.replaceLoop(c, n, &ast.BlockStmt{Lbrace: at, List: append(before, loop), Rbrace: n.End()})
}

func block(at token.Pos, s ...ast.Stmt) *ast.BlockStmt {
	return &ast.BlockStmt{Lbrace: at, List: s, Rbrace: at}
}

func address(x ast.Expr) ast.Expr { return &ast.UnaryExpr{OpPos: x.Pos(), Op: token.AND, X: x} }

// shortVar returns lhs := rhs.
func shortVar(lhs, rhs []ast.Expr) *ast.AssignStmt {
	return &ast.AssignStmt{Lhs: lhs, TokPos: lhs[0].Pos(), Tok: token.DEFINE, Rhs: rhs}
}

func prepend(b *ast.BlockStmt, s ast.Stmt) *ast.BlockStmt {
	return &ast.BlockStmt{Lbrace: b.Lbrace, List: append([]ast.Stmt{s}, b.List...), Rbrace: b.Rbrace}
}

func isBlank(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == "_"
}

// captured reports whether in n a function literal uses the variable that id
// declares, or its address is taken: whether one iteration's variable can
// outlive it.
func (r *rewriter) captured(id *ast.Ident, n ast.Node) bool {
	v := r.info.Defs[id]
	if v == nil {
		return false
	}
	found := false
	var inFunc func(n ast.Node) bool
	inFunc = func(n ast.Node) bool {
		if use, ok := n.(*ast.Ident); ok && r.info.Uses[use] == v {
			found = true
		}
		return !found
	}
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			ast.Inspect(n.Body, inFunc)
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				ast.Inspect(n.X, inFunc)
			}
		case *ast.SliceExpr:
			ast.Inspect(n.X, inFunc)
		}
		return !found
	})
	return found
}

// assigned reports whether n changes the variable that id declares.
func (r *rewriter) assigned(id *ast.Ident, n ast.Node) bool {
	v := r.info.Defs[id]
	found := false
	is := func(e ast.Expr) {
		if use, ok := e.(*ast.Ident); ok && r.info.Uses[use] == v {
			found = true
		}
	}
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, e := range n.Lhs {
				is(e)
			}
		case *ast.IncDecStmt:
			is(n.X)
		case *ast.RangeStmt:
			is(n.Key)
			is(n.Value)
		}
		return true
	})
	return found
}
