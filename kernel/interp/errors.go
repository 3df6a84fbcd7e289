package interp

import (
	"errors"
	"go/ast"
	"go/token"
	"go/types"
)

var errorType = types.Universe.Lookup("error").Type()

// wrapped makes arguments of fmt.Errorf errors, where a cell declared what they
// are, so that %w finds one.
func (r *rewriter) wrapped(call *ast.CallExpr) {
	for k, arg := range call.Args {
		t := r.info.Types[arg].Type
		if k == 0 || t == nil || types.IsInterface(t) || !isInterpreted(t) || !hasMethod(t, "Error") || call.Ellipsis.IsValid() {
			continue
		}
		r.convertTo(&call.Args[k], errorType)
	}
}

// errorsAs turns errors.As(err, target), which finds no type that a cell
// declared, into a call of a helper with a function that tries the assertion.
func (r *rewriter) errorsAs(call *ast.CallExpr) ast.Expr {
	target, ok := r.info.Types[call.Args[1]].Type.(*types.Pointer)
	if !ok || !isInterpreted(target.Elem()) {
		return nil
	}
	at := call.Pos()
	err, v, found := r.fresh(at), r.fresh(at), r.fresh(at)
	into := ast.Expr(&ast.StarExpr{Star: at, X: &ast.ParenExpr{X: call.Args[1]}})
	if u, ok := call.Args[1].(*ast.UnaryExpr); ok && u.Op == token.AND {
		into = u.X
	}
	try := &ast.AssignStmt{Lhs: []ast.Expr{v, found}, TokPos: at, Tok: token.DEFINE,
		Rhs: []ast.Expr{&ast.TypeAssertExpr{X: err, Type: r.typeExpr(target.Elem(), at)}}}
	set := &ast.AssignStmt{Lhs: []ast.Expr{into}, TokPos: at, Tok: token.ASSIGN, Rhs: []ast.Expr{v}}
	match := &ast.FuncLit{
		Type: &ast.FuncType{Func: at, Params: &ast.FieldList{List: []*ast.Field{{Names: []*ast.Ident{err}, Type: ast.NewIdent("error")}}},
			Results: &ast.FieldList{List: []*ast.Field{{Type: ast.NewIdent("bool")}}}},
		Body: block(at, try, &ast.IfStmt{If: at, Cond: found, Body: block(at, set)}, &ast.ReturnStmt{Return: at, Results: []ast.Expr{found}}),
	}
	return &ast.CallExpr{Fun: helper("As", at), Lparen: call.Lparen, Args: []ast.Expr{call.Args[0], match}, Rparen: call.Rparen}
}

// as is errors.As with a function that tries one error.
func as(err error, match func(error) bool) bool {
	if err == nil {
		return false
	}
	if match(err) {
		return true
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range many.Unwrap() {
			if as(e, match) {
				return true
			}
		}
	}
	return as(errors.Unwrap(err), match)
}
