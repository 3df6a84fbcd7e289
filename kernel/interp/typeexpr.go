package interp

import (
	"go/ast"
	"go/token"
	"go/types"
	"strconv"
)

// typeExpr writes t as the interpreter reads it.
func (r *rewriter) typeExpr(t types.Type, at token.Pos) ast.Expr {
	id := func(name string) ast.Expr { return &ast.Ident{NamePos: at, Name: name} }
	switch t := t.(type) {
	case *types.Alias:
		return r.typeExpr(types.Unalias(t), at)
	case *types.Basic:
		return id(types.Default(t).(*types.Basic).Name())
	case *types.Named:
		o := t.Obj()
		switch {
		case o.Pkg() == nil:
			return id(o.Name())
		case o.Pkg().Path() != "main":
			return &ast.SelectorExpr{X: r.packageName(o.Pkg().Path(), at), Sel: &ast.Ident{NamePos: at, Name: o.Name()}}
		case r.names.of[o] != "":
			return id(r.names.of[o])
		}
		return id(o.Name())
	case *types.Pointer:
		return &ast.StarExpr{Star: at, X: r.typeExpr(t.Elem(), at)}
	case *types.Slice:
		return &ast.ArrayType{Lbrack: at, Elt: r.typeExpr(t.Elem(), at)}
	case *types.Array:
		return &ast.ArrayType{Lbrack: at, Len: &ast.BasicLit{ValuePos: at, Kind: token.INT, Value: strconv.FormatInt(t.Len(), 10)}, Elt: r.typeExpr(t.Elem(), at)}
	case *types.Map:
		return &ast.MapType{Map: at, Key: r.typeExpr(t.Key(), at), Value: r.typeExpr(t.Elem(), at)}
	case *types.Chan:
		dir := map[types.ChanDir]ast.ChanDir{types.SendRecv: ast.SEND | ast.RECV, types.SendOnly: ast.SEND, types.RecvOnly: ast.RECV}
		return &ast.ChanType{Begin: at, Dir: dir[t.Dir()], Value: r.typeExpr(t.Elem(), at)}
	case *types.Signature:
		return r.funcType(t, at)
	case *types.Struct:
		return r.structType(t, at)
	case *types.Interface:
		return r.interfaceType(t, at)
	}
	return id(t.String())
}

func (r *rewriter) funcType(t *types.Signature, at token.Pos) *ast.FuncType {
	fields := func(tuple *types.Tuple, variadic bool) *ast.FieldList {
		list := &ast.FieldList{Opening: at, Closing: at}
		for k := range tuple.Len() {
			e := r.typeExpr(tuple.At(k).Type(), at)
			if s, ok := e.(*ast.ArrayType); ok && variadic && k == tuple.Len()-1 {
				e = &ast.Ellipsis{Ellipsis: at, Elt: s.Elt}
			}
			list.List = append(list.List, &ast.Field{Type: e})
		}
		return list
	}
	return &ast.FuncType{Func: at, Params: fields(t.Params(), t.Variadic()), Results: fields(t.Results(), false)}
}

func (r *rewriter) structType(t *types.Struct, at token.Pos) ast.Expr {
	list := &ast.FieldList{Opening: at, Closing: at}
	for k := range t.NumFields() {
		f := &ast.Field{Type: r.typeExpr(t.Field(k).Type(), at)}
		if !t.Field(k).Embedded() {
			f.Names = []*ast.Ident{{NamePos: at, Name: t.Field(k).Name()}}
		}
		if tag := t.Tag(k); tag != "" {
			f.Tag = &ast.BasicLit{ValuePos: at, Kind: token.STRING, Value: strconv.Quote(tag)}
		}
		list.List = append(list.List, f)
	}
	return &ast.StructType{Struct: at, Fields: list}
}

func (r *rewriter) interfaceType(t *types.Interface, at token.Pos) ast.Expr {
	list := &ast.FieldList{Opening: at, Closing: at}
	for m := range t.Methods() {
		list.List = append(list.List, &ast.Field{Names: []*ast.Ident{{NamePos: at, Name: m.Name()}}, Type: r.funcType(m.Signature(), at)})
	}
	return &ast.InterfaceType{Interface: at, Methods: list}
}
