package interp

import (
	"go/ast"
	"go/token"
	"go/types"
)

// deferStmt makes a top-level defer run when the cell ends: the function and
// its arguments are evaluated now.
func (r *rewriter) deferStmt(s *ast.DeferStmt) ast.Stmt {
	at := s.Pos()
	call := *s.Call
	call.Args = append([]ast.Expr{}, s.Call.Args...)
	var now []ast.Stmt
	keep := func(e ast.Expr) ast.Expr {
		if t := r.info.Types[e]; t.Value != nil || t.IsNil() || t.IsType() || t.IsBuiltin() {
			return e
		}
		v := r.fresh(e.Pos())
		now = append(now, shortVar([]ast.Expr{v}, []ast.Expr{e}))
		r.info.Types[v] = r.info.Types[e]
		return v
	}
	if _, literal := call.Fun.(*ast.FuncLit); !literal {
		call.Fun = keep(call.Fun)
	}
	for k, a := range call.Args {
		call.Args[k] = keep(a)
	}
	later := &ast.FuncLit{Type: &ast.FuncType{Func: at, Params: &ast.FieldList{}}, Body: block(at, &ast.ExprStmt{X: &call})}
	now = append(now, &ast.ExprStmt{X: &ast.CallExpr{Fun: helper("Defer", at), Lparen: at, Args: []ast.Expr{later}, Rparen: at}})
	return block(at, now...)
}

// displayMethods are those by which values say what they look like.
var displayMethods = []string{"HTML", "Markdown", "Latex", "JavaScript", "SVG", "PNG", "JPEG", "JSON", "Text"}

// shown wraps a cell's value if it has methods that a front end would call and
// that only the interpreter knows.
func (r *rewriter) shown(e ast.Expr) ast.Expr {
	t := r.info.Types[e].Type
	if isEmulated(t) || holdsEmulated(t) && !isInterpreted(t) {
		held := r.stringer(e)
		r.info.Types[held] = types.TypeAndValue{Type: types.Universe.Lookup("any").Type()}
		return held
	}
	if t == nil || types.IsInterface(t) || !isInterpreted(t) {
		return e
	}
	at := e.Pos()
	x := r.fresh(at)
	methods := &ast.CompositeLit{Lbrace: at, Rbrace: at, Type: &ast.MapType{Map: at, Key: ast.NewIdent("string"), Value: ast.NewIdent("any")}}
	for _, name := range displayMethods {
		if o, _, _ := types.LookupFieldOrMethod(t, false, r.pkg, name); isGetter(o) {
			methods.Elts = append(methods.Elts, &ast.KeyValueExpr{Key: &ast.BasicLit{ValuePos: at, Kind: token.STRING, Value: `"` + name + `"`},
				Value: &ast.SelectorExpr{X: x, Sel: ast.NewIdent(name)}})
		}
	}
	if len(methods.Elts) == 0 {
		wrapped := r.stringer(e)
		r.info.Types[wrapped] = r.info.Types[e]
		return wrapped
	}
	r.info.Types[x] = r.info.Types[e]
	rich := &ast.CallExpr{Fun: helper("Rich", at), Lparen: at, Args: []ast.Expr{r.stringer(x), methods}, Rparen: at}
	return r.apply(x, t, e, types.Universe.Lookup("any").Type(), rich)
}

// isGetter reports whether o is a method that takes nothing and returns one
// value.
func isGetter(o types.Object) bool {
	f, ok := o.(*types.Func)
	return ok && f.Signature().Params().Len() == 0 && f.Signature().Results().Len() == 1
}
