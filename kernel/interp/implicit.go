package interp

import (
	"go/ast"
	"go/token"
	"go/types"
)

// implicit makes conversions to interfaces explicit, since the interpreter fails
// at many of them.
func (r *rewriter) implicit(root ast.Node) {
	ast.PreorderStack(root, nil, func(n ast.Node, stack []ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok == token.ASSIGN && len(n.Lhs) == len(n.Rhs) {
				for k := range n.Rhs {
					r.convertTo(&n.Rhs[k], r.info.Types[n.Lhs[k]].Type)
				}
			}
		case *ast.ValueSpec:
			if n.Type != nil {
				for k := range n.Values {
					r.convertTo(&n.Values[k], r.info.Types[n.Type].Type)
				}
			}
		case *ast.SendStmt:
			if c, ok := under(r.info.Types[n.Chan].Type).(*types.Chan); ok {
				r.convertTo(&n.Value, c.Elem())
			}
		case *ast.CallExpr:
			r.implicitArgs(n)
		case *ast.CompositeLit:
			r.implicitElements(n)
		case *ast.ReturnStmt:
			if sig := r.enclosing(stack); sig != nil && sig.Results().Len() == len(n.Results) {
				for k := range n.Results {
					r.convertTo(&n.Results[k], sig.Results().At(k).Type())
				}
			}
		}
		return true
	})
}

func under(t types.Type) types.Type {
	if t == nil {
		return nil
	}
	return t.Underlying()
}

// enclosing returns the signature of the innermost function of the stack.
func (r *rewriter) enclosing(stack []ast.Node) *types.Signature {
	for k := len(stack) - 1; k >= 0; k-- {
		switch f := stack[k].(type) {
		case *ast.FuncLit:
			sig, _ := r.info.Types[f].Type.(*types.Signature)
			return sig
		case *ast.FuncDecl:
			if o, ok := r.info.Defs[f.Name].(*types.Func); ok {
				return o.Signature()
			}
			return r.methodSignature(f)
		}
	}
	return nil
}

// methodSignature finds that of a method added to a former cell's type.
func (r *rewriter) methodSignature(f *ast.FuncDecl) *types.Signature {
	id := receiverName(f)
	if id == nil || r.info.Uses[id] == nil {
		return nil
	}
	if n, ok := r.info.Uses[id].Type().(*types.Named); ok {
		for m := range n.Methods() {
			if m.Name() == f.Name.Name {
				return m.Signature()
			}
		}
	}
	return nil
}

func (r *rewriter) implicitArgs(call *ast.CallExpr) {
	fun := r.info.Types[call.Fun]
	if fun.IsType() {
		if len(call.Args) == 1 {
			r.convertTo(&call.Args[0], fun.Type)
		}
		return
	}
	sig, ok := under(fun.Type).(*types.Signature)
	if !ok {
		return
	}
	for k := range call.Args {
		last := sig.Params().Len() - 1
		switch {
		case sig.Variadic() && k >= last && !call.Ellipsis.IsValid():
			if s, ok := under(sig.Params().At(last).Type()).(*types.Slice); ok {
				r.convertTo(&call.Args[k], s.Elem())
			}
		case k <= last:
			r.convertTo(&call.Args[k], sig.Params().At(k).Type())
		}
	}
}

func (r *rewriter) implicitElements(lit *ast.CompositeLit) {
	for k := range lit.Elts {
		slot, key := &lit.Elts[k], ast.Expr(nil)
		if kv, ok := lit.Elts[k].(*ast.KeyValueExpr); ok {
			slot, key = &kv.Value, kv.Key
		}
		switch t := under(r.info.Types[lit].Type).(type) {
		case *types.Slice:
			r.convertTo(slot, t.Elem())
		case *types.Array:
			r.convertTo(slot, t.Elem())
		case *types.Map:
			r.convertTo(slot, t.Elem())
		case *types.Struct:
			if id, ok := key.(*ast.Ident); ok && r.info.Uses[id] != nil {
				r.convertTo(slot, r.info.Uses[id].Type())
			} else if key == nil && k < t.NumFields() {
				r.convertTo(slot, t.Field(k).Type())
			}
		}
	}
}

// convertTo makes the conversion of *e to an interface with methods explicit,
// unless the interpreter gets it right by itself: from one compiled type to
// another. It takes a value that keeps a number or a string for the interface.
func (r *rewriter) convertTo(e *ast.Expr, to types.Type) {
	iface, ok := under(to).(*types.Interface)
	from := r.info.Types[*e]
	if !ok || iface.NumMethods() == 0 || from.Type == nil || from.IsNil() || types.Identical(from.Type, to) {
		return
	}
	at := (*e).Pos()
	if name, compiled := compiledName(to); compiled {
		if types.IsInterface(from.Type) || !isInterpreted(from.Type) {
			return
		}
		if pointer, ok := types.Unalias(from.Type).(*types.Pointer); ok {
			*e = convert(&ast.Ident{NamePos: at, Name: r.converter(pointer, name, at)}, *e)
			r.info.Types[*e] = types.TypeAndValue{Type: to}
			return
		}
	}
	if from.Value != nil {
		x := r.fresh(at)
		*e = r.apply(x, from.Type, *e, from.Type, x)
	}
	*e = convert(r.typeExpr(to, at), *e)
	r.info.Types[*e] = types.TypeAndValue{Type: to}
}

// compiledName returns the named type that t is unless a cell declared it.
func compiledName(t types.Type) (*types.Named, bool) {
	n, ok := types.Unalias(t).(*types.Named)
	return n, ok && (n.Obj().Pkg() == nil || n.Obj().Pkg().Path() != "main")
}
