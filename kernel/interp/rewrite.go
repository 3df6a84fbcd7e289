package interp

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/ast/astutil"
)

// A rewriter turns a checked segment's Go into the older Go, without its
// package clause, that the interpreter understands. It changes the tree.
type rewriter struct {
	*checked
	engine  *Engine
	names   *names
	imports map[string]bool           // paths that the result needs
	unlabel map[*ast.LabeledStmt]bool // labels that have moved inwards
	next    int
}

// item rewrites i.
func (r *rewriter) item(i *item) {
	if i.imports {
		return
	}
	r.implicit(i.node)
	switch s := i.statement().(type) {
	case *ast.DeferStmt:
		i.node.(*ast.FuncDecl).Body.List[0] = r.deferStmt(s)
	case *ast.ExprStmt:
		if i.last {
			s.X = r.shown(s.X)
		}
	}
	i.node = astutil.Apply(i.node, nil, func(c *astutil.Cursor) bool {
		switch n := c.Node().(type) {
		case *ast.Ident:
			r.ident(c, n)
		case *ast.CallExpr:
			r.call(c, n)
		case *ast.RangeStmt:
			r.rangeLoop(c, n)
		case *ast.ForStmt:
			r.forLoop(c, n)
		case *ast.SelectStmt:
			if len(n.Body.List) == 0 { // which the interpreter skips
				c.Replace(&ast.ExprStmt{X: &ast.CallExpr{Fun: helper("Block", n.Pos()), Lparen: n.Pos(), Rparen: n.End()}})
			}
		case *ast.LabeledStmt:
			if r.unlabel[n] {
				c.Replace(n.Stmt)
			}
		}
		return true
	}).(ast.Decl)
}

// replace puts an expression in the place of another of the same type.
func (r *rewriter) replace(c *astutil.Cursor, old, new ast.Expr) {
	r.info.Types[new] = r.info.Types[old]
	c.Replace(new)
}

// fresh returns a new name of ours.
func (r *rewriter) fresh(at token.Pos) *ast.Ident {
	r.next++
	return &ast.Ident{NamePos: at, Name: fmt.Sprintf("%sv%d", support, r.next)}
}

func (r *rewriter) packageName(path string, at token.Pos) *ast.Ident {
	if path == support {
		return &ast.Ident{NamePos: at, Name: support}
	}
	r.imports[path] = true
	return &ast.Ident{NamePos: at, Name: packageAlias(path)}
}

// helper returns the name of one of our helpers.
func helper(name string, at token.Pos) ast.Expr {
	return &ast.SelectorExpr{X: &ast.Ident{NamePos: at, Name: support}, Sel: &ast.Ident{NamePos: at, Name: name}}
}

// ident calls packages and objects what the interpreter calls them.
func (r *rewriter) ident(c *astutil.Cursor, id *ast.Ident) {
	o := r.info.Uses[id]
	if o == nil {
		o = r.info.Defs[id]
	}
	switch o := o.(type) {
	case nil:
		return
	case *types.PkgName:
		c.Replace(r.packageName(o.Imported().Path(), id.Pos()))
		return
	case *types.Var:
		if n, ok := o.Type().(*types.Named); ok && o.Embedded() && r.names.of[n.Obj()] != "" && id.Name == n.Obj().Name() {
			id.Name = r.names.of[n.Obj()] // an embedded field is called after its type
			return
		}
	}
	if name := r.names.of[o]; name != "" {
		id.Name = name
		return
	}
	if sel, ok := c.Parent().(*ast.SelectorExpr); ok && sel.Sel == id {
		return
	}
	if p := o.Pkg(); p != nil && p != r.pkg && p.Path() != "main" && p.Scope().Lookup(o.Name()) == o { // import .
		r.replace(c, id, &ast.SelectorExpr{X: r.packageName(p.Path(), id.Pos()), Sel: id})
	}
}

// call rewrites the builtins that the interpreter lacks, and lets package fmt
// see the methods of interpreted types.
func (r *rewriter) call(c *astutil.Cursor, call *ast.CallExpr) {
	switch o := r.callee(call).(type) {
	case *types.Builtin:
		if e := r.builtin(o.Name(), call); e != nil {
			r.replace(c, call, e)
		}
	case *types.Func:
		switch {
		case o.Pkg() == nil:
		case o.Pkg().Path() == "errors" && o.Name() == "As":
			if e := r.errorsAs(call); e != nil {
				r.replace(c, call, e)
			}
		case o.Pkg().Path() == "fmt" || o.Pkg().Path() == "log":
			if o.Name() == "Errorf" {
				r.wrapped(call)
			}
			r.typeVerbs(call, o.Signature())
			r.printed(call, o.Signature())
		}
	}
}

// callee returns what a call calls, if it has a name.
func (r *rewriter) callee(call *ast.CallExpr) types.Object { return calleeOf(r.info, call) }

func calleeOf(info *types.Info, call *ast.CallExpr) types.Object {
	switch f := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		return info.Uses[f]
	case *ast.SelectorExpr:
		return info.Uses[f.Sel]
	}
	return nil
}

func (r *rewriter) builtin(name string, call *ast.CallExpr) ast.Expr {
	switch name {
	case "clear":
		return &ast.CallExpr{Fun: helper("Clear", call.Pos()), Lparen: call.Lparen, Args: call.Args, Rparen: call.Rparen}
	case "min", "max":
		t := r.info.Types[call]
		basic, ok := t.Type.Underlying().(*types.Basic)
		if !ok {
			return nil
		}
		kind, _ := types.Default(basic).(*types.Basic)
		f := helper(map[string]string{"min": "Min_", "max": "Max_"}[name]+types.Typ[kind.Kind()].Name(), call.Pos())
		var args []ast.Expr
		for _, a := range call.Args {
			args = append(args, convert(&ast.Ident{NamePos: a.Pos(), Name: kind.Name()}, a))
		}
		e := ast.Expr(&ast.CallExpr{Fun: f, Lparen: call.Lparen, Args: args, Rparen: call.Rparen})
		if _, named := types.Unalias(t.Type).(*types.Named); named {
			e = convert(r.typeExpr(t.Type, call.Pos()), e)
		}
		return e
	case "new":
		if t := r.info.Types[call.Args[0]]; !t.IsType() { // new(value), since Go 1.26
			x := r.fresh(call.Pos())
			return r.apply(x, r.info.Types[call].Type.(*types.Pointer).Elem(), call.Args[0],
				r.info.Types[call].Type, &ast.UnaryExpr{OpPos: call.Pos(), Op: token.AND, X: x})
		}
	}
	return nil
}

func convert(t, x ast.Expr) ast.Expr {
	return &ast.CallExpr{Fun: t, Lparen: x.Pos(), Args: []ast.Expr{x}, Rparen: x.End()}
}

// apply returns func(x T) R { return result }(value).
func (r *rewriter) apply(x *ast.Ident, t types.Type, value ast.Expr, resultType types.Type, result ast.Expr) ast.Expr {
	at := value.Pos()
	f := &ast.FuncLit{
		Type: &ast.FuncType{Func: at, Params: &ast.FieldList{List: []*ast.Field{{Names: []*ast.Ident{x}, Type: r.typeExpr(t, at)}}},
			Results: &ast.FieldList{List: []*ast.Field{{Type: r.typeExpr(resultType, at)}}}},
		Body: &ast.BlockStmt{Lbrace: at, List: []ast.Stmt{&ast.ReturnStmt{Return: at, Results: []ast.Expr{result}}}, Rbrace: at},
	}
	return &ast.CallExpr{Fun: f, Lparen: at, Args: []ast.Expr{value}, Rparen: at}
}

// printed wraps those arguments of a call of package fmt that have a String or
// Error method which fmt, being compiled, cannot see.
func (r *rewriter) printed(call *ast.CallExpr, sig *types.Signature) {
	if !sig.Variadic() || call.Ellipsis.IsValid() {
		return
	}
	for k := sig.Params().Len() - 1; k < len(call.Args); k++ {
		call.Args[k] = r.stringer(call.Args[k])
	}
}

// stringer returns arg so that it prints as its methods say.
func (r *rewriter) stringer(arg ast.Expr) ast.Expr {
	t := r.info.Types[arg].Type
	if t != nil && !types.IsInterface(t) && (r.interpretedMethod(t, "Error") != "" || r.interpretedMethod(t, "String") != "") {
		return r.stringerOf(arg, t)
	}
	keep := func(name string) ast.Expr {
		return &ast.CallExpr{Fun: helper(name, arg.Pos()), Lparen: arg.Pos(), Args: []ast.Expr{arg}, Rparen: arg.End()}
	}
	switch {
	case isEmulated(t) || holdsEmulated(t):
		return keep("Held")
	case t != nil && types.IsInterface(t) && hasMethod(t, "Error"): // else the interpreter takes out what the interface holds
		return keep("Error")
	case t != nil && types.IsInterface(t) && hasMethod(t, "String"):
		return keep("String")
	}
	return arg
}

// stringerOf returns arg, whose type a cell gave a method Error or String, so
// that it prints as the method says.
func (r *rewriter) stringerOf(arg ast.Expr, t types.Type) ast.Expr {
	method := r.interpretedMethod(t, "Error")
	if method == "" {
		method = r.interpretedMethod(t, "String")
	}
	x := r.fresh(arg.Pos())
	f := &ast.SelectorExpr{X: x, Sel: ast.NewIdent(method)}
	show := &ast.FuncLit{Type: &ast.FuncType{Func: arg.Pos(), Params: &ast.FieldList{}, Results: &ast.FieldList{List: []*ast.Field{{Type: ast.NewIdent("string")}}}},
		Body: &ast.BlockStmt{Lbrace: arg.Pos(), List: []ast.Stmt{&ast.ReturnStmt{Return: arg.Pos(), Results: []ast.Expr{&ast.CallExpr{Fun: f, Lparen: arg.Pos(), Rparen: arg.Pos()}}}}, Rbrace: arg.Pos()}}
	wrapped := &ast.CallExpr{Fun: helper("Stringer", arg.Pos()), Lparen: arg.Pos(), Args: []ast.Expr{x, show}, Rparen: arg.Pos()}
	return r.apply(x, t, arg, types.Universe.Lookup("any").Type(), wrapped)
}

// interpretedMethod returns name if t, declared by a cell, has the method name
// of a func() string.
func (r *rewriter) interpretedMethod(t types.Type, name string) string {
	if t == nil || types.IsInterface(t) || !isInterpreted(t) {
		return ""
	}
	if !hasMethod(t, name) {
		return ""
	}
	return name
}

// hasMethod reports whether t has the method name of a func() string.
func hasMethod(t types.Type, name string) bool {
	o, _, _ := types.LookupFieldOrMethod(t, false, nil, name)
	f, ok := o.(*types.Func)
	if !ok {
		return false
	}
	s := f.Signature()
	return s.Params().Len() == 0 && s.Results().Len() == 1 && types.Identical(s.Results().At(0).Type(), types.Typ[types.String])
}

// isEmulated reports whether t is an interface, with methods, that a cell
// declared.
func isEmulated(t types.Type) bool {
	i, ok := under(t).(*types.Interface)
	_, compiled := compiledName(t)
	return ok && i.NumMethods() > 0 && !compiled
}

// holdsEmulated reports whether t is a slice or a map of such interfaces.
func holdsEmulated(t types.Type) bool {
	switch t := under(t).(type) {
	case *types.Slice:
		return isEmulated(t.Elem())
	case *types.Map:
		return isEmulated(t.Elem())
	}
	return false
}

// isInterpreted reports whether a cell declared t, or what t points to.
func isInterpreted(t types.Type) bool {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	n, ok := types.Unalias(t).(*types.Named)
	return ok && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == "main"
}
