package interp

import (
	"go/ast"
	"go/types"
)

// receiverName returns the name of the type whose method f is, or nil.
func receiverName(f *ast.FuncDecl) *ast.Ident {
	if f.Recv == nil || len(f.Recv.List) != 1 {
		return nil
	}
	t := ast.Unparen(f.Recv.List[0].Type)
	if p, ok := t.(*ast.StarExpr); ok {
		t = ast.Unparen(p.X)
	}
	id, _ := t.(*ast.Ident)
	return id
}

// addMethod returns what to check in the place of i: for a method of a type
// that a former cell declared, which go/types does not foresee, a function with
// the receiver for its first parameter. The method is added to the type.
func (c *checked) addMethod(p *program, i *item, found *[]types.Error) ast.Decl {
	f, ok := i.node.(*ast.FuncDecl)
	if !ok || !i.decl {
		return i.node
	}
	id := receiverName(f)
	if id == nil || c.names[id.Name] {
		return i.node
	}
	named := sessionType(p.after, id.Name)
	if named == nil {
		return i.node
	}
	asFunc := *f
	signature := *f.Type
	params := &ast.FieldList{Opening: f.Type.Params.Opening, Closing: f.Type.Params.Closing}
	recv := *f.Recv.List[0]
	if len(recv.Names) == 0 && len(f.Type.Params.List) > 0 && len(f.Type.Params.List[0].Names) > 0 {
		recv.Names = []*ast.Ident{{NamePos: recv.Pos(), Name: "_"}}
	}
	params.List = append([]*ast.Field{&recv}, f.Type.Params.List...)
	signature.Params = params
	asFunc.Recv, asFunc.Type = nil, &signature
	asFunc.Name = &ast.Ident{NamePos: f.Name.NamePos, Name: support + "m_" + id.Name + "_" + f.Name.Name}
	if msg := c.declareMethod(p, named, f.Name.Name, &asFunc); msg != "" {
		*found = append(*found, types.Error{Fset: p.fset, Pos: f.Name.Pos(), Msg: msg})
	}
	return &asFunc
}

func sessionType(s scope, name string) *types.Named {
	t, ok := s.objects[name].(*types.TypeName)
	if !ok || t.IsAlias() {
		return nil
	}
	named, _ := t.Type().(*types.Named)
	return named
}

// declareMethod gives named the method that f, a function, is; what it returns
// is a complaint.
func (c *checked) declareMethod(p *program, named *types.Named, name string, f *ast.FuncDecl) string {
	sig := c.signatureOf(p, f)
	if sig == nil {
		return "" // checking the function will say why
	}
	recv := sig.Params().At(0)
	var params []*types.Var
	for k := 1; k < sig.Params().Len(); k++ {
		params = append(params, sig.Params().At(k))
	}
	method := types.NewSignatureType(recv, nil, nil, types.NewTuple(params...), sig.Results(), sig.Variadic())
	for old := range named.Methods() {
		if old.Name() != name {
			continue
		}
		if !types.Identical(old.Signature(), method) || !types.Identical(old.Signature().Recv().Type(), recv.Type()) {
			return "method " + named.Obj().Name() + "." + name + " has another signature in a former cell; to change it, declare type " + named.Obj().Name() + " again"
		}
		return ""
	}
	named.AddMethod(types.NewFunc(f.Name.Pos(), named.Obj().Pkg(), name, method))
	return ""
}

// signatureOf resolves the types in f's signature.
func (c *checked) signatureOf(p *program, f *ast.FuncDecl) *types.Signature {
	file := &ast.File{Name: ast.NewIdent("main"), Decls: []ast.Decl{f}}
	for _, i := range c.items {
		if i.imports {
			file.Decls = append([]ast.Decl{i.node}, file.Decls...)
		}
	}
	p.after.reset(p.bound, nil)
	pkg := p.after.pkg
	conf := types.Config{Importer: p.bound, IgnoreFuncBodies: true, Error: func(error) {}}
	types.NewChecker(&conf, p.fset, pkg, nil).Files([]*ast.File{file})
	fn, ok := pkg.Scope().Lookup(f.Name.Name).(*types.Func)
	if !ok {
		return nil
	}
	for v := range fn.Signature().Params().Variables() {
		if v.Type() == types.Typ[types.Invalid] {
			return nil
		}
	}
	return fn.Signature()
}
