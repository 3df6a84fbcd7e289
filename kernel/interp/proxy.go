package interp

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"reflect"

	"github.com/cosmos72/gomacro/ast2"
	xr "github.com/cosmos72/gomacro/xreflect"
)

// A proxyKey names a conversion that the interpreter has no code for.
type proxyKey struct {
	from, to types.Object
}

// A proxyMaker makes proxies: compiled values, of the type that the bindings
// have for an interface, which call the methods of an interpreted pointer. The
// interpreter has the like for values, and knows these for its own.
type proxyMaker struct {
	from   xr.Type
	proxy  reflect.Type
	iface  reflect.Type
	method map[string]*ast.FuncLit // calls the method of its first argument
	call   map[string]reflect.Value
}

// converter returns the interpreter's name of a function from *T to the
// compiled interface.
func (r *rewriter) converter(from *types.Pointer, to *types.Named, at token.Pos) string {
	e := r.engine
	key := proxyKey{types.Unalias(from.Elem()).(*types.Named).Obj(), to.Obj()}
	if name := e.converters[key]; name != "" {
		return name
	}
	name := fmt.Sprintf("%sc%d", support, len(e.converters)+1)
	e.converters[key] = name
	fromExpr, toExpr := r.typeExpr(from, at), r.typeExpr(to, at)
	e.importAll(maps.Clone(r.imports))
	c := e.interp.Comp
	target := c.Type(toExpr)
	m := &proxyMaker{from: c.Type(fromExpr), iface: target.ReflectType(), proxy: c.InterfaceProxy(target),
		method: map[string]*ast.FuncLit{}, call: map[string]reflect.Value{}}
	for f := range to.Underlying().(*types.Interface).Methods() {
		m.method[f.Name()] = r.methodCall(from, f, at)
	}
	t := reflect.FuncOf([]reflect.Type{m.from.ReflectType()}, []reflect.Type{m.iface}, false)
	e.interp.DeclVar(name, c.Type(&ast.FuncType{Func: at, Params: &ast.FieldList{List: []*ast.Field{{Type: fromExpr}}},
		Results: &ast.FieldList{List: []*ast.Field{{Type: toExpr}}}}), reflect.MakeFunc(t, m.make).Interface())
	e.proxies = append(e.proxies, m)
	return name
}

// methodCall returns func(x *T, a P…) R { return x.M(a…) }.
func (r *rewriter) methodCall(from *types.Pointer, f *types.Func, at token.Pos) *ast.FuncLit {
	sig := r.funcType(f.Signature(), at)
	x := r.fresh(at)
	call := &ast.CallExpr{Fun: &ast.SelectorExpr{X: x, Sel: ast.NewIdent(f.Name())}, Lparen: at, Rparen: at}
	for _, p := range sig.Params.List {
		a := r.fresh(at)
		p.Names = []*ast.Ident{a}
		call.Args = append(call.Args, a)
	}
	if f.Signature().Variadic() {
		call.Ellipsis = at
	}
	sig.Params.List = append([]*ast.Field{{Names: []*ast.Ident{x}, Type: r.typeExpr(from, at)}}, sig.Params.List...)
	var body ast.Stmt = &ast.ExprStmt{X: call}
	if f.Signature().Results().Len() > 0 {
		body = &ast.ReturnStmt{Return: at, Results: []ast.Expr{call}}
	}
	return &ast.FuncLit{Type: sig, Body: block(at, body)}
}

// finishProxies compiles the calls, once all methods of a cell are declared.
func (e *Engine) finishProxies() {
	for _, m := range e.proxies {
		for name, f := range m.method {
			v, _ := e.interp.RunExpr1(e.interp.CompileAst(ast2.ToAst(f)))
			m.call[name] = v.ReflectValue()
		}
	}
	e.proxies = nil
}

// make makes a proxy of a pointer.
func (m *proxyMaker) make(args []reflect.Value) []reflect.Value {
	p := reflect.New(m.proxy)
	p.Elem().Field(0).Set(reflect.ValueOf(xr.MakeInterfaceHeader(xr.MakeValue(args[0]), m.from)))
	for name, f := range m.call {
		field := p.Elem().FieldByName(name + "_")
		invoke := reflect.Value.Call
		if f.Type().IsVariadic() {
			invoke = reflect.Value.CallSlice
		}
		field.Set(reflect.MakeFunc(field.Type(), func(args []reflect.Value) []reflect.Value {
			args[0] = args[0].Interface().(xr.InterfaceHeader).Value().ReflectValue()
			return invoke(f, args)
		}))
	}
	out := reflect.New(m.iface).Elem()
	out.Set(p)
	return []reflect.Value{out}
}
