package interp

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strconv"
	"strings"

	"github.com/cosmos72/gomacro/xreflect"
)

// typeVerbs lets %T, in a constant format, name types that cells declared, of
// which reflection knows no name.
func (r *rewriter) typeVerbs(call *ast.CallExpr, sig *types.Signature) {
	at := sig.Params().Len() - 2
	if at < 0 || len(call.Args) <= at || call.Ellipsis.IsValid() {
		return
	}
	value := r.info.Types[call.Args[at]].Value
	if value == nil || value.Kind() != constant.String {
		return
	}
	format := []byte(constant.StringVal(value))
	changed := false
	for arg, place := range verbs(format) {
		k := at + 1 + arg
		if format[place] != 'T' || k >= len(call.Args) {
			continue
		}
		if name := r.typeName(call.Args[k]); name != nil {
			call.Args[k], format[place], changed = name, 's', true
		}
	}
	if changed {
		call.Args[at] = &ast.BasicLit{ValuePos: call.Args[at].Pos(), Kind: token.STRING, Value: strconv.Quote(string(format))}
	}
}

// verbs returns the place of each argument's verb in format, or none if the
// format chooses its arguments itself.
func verbs(format []byte) []int {
	var places []int
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			continue
		}
		for i++; i < len(format) && strings.IndexByte("+-# 0123456789.", format[i]) >= 0; i++ {
		}
		switch {
		case i == len(format) || format[i] == '[' || format[i] == '*':
			return nil
		case format[i] != '%':
			places = append(places, i)
		}
	}
	return places
}

// typeName returns an expression for the name of arg's type if a cell declared
// it, or nil.
func (r *rewriter) typeName(arg ast.Expr) ast.Expr {
	t := r.info.Types[arg].Type
	if isEmulated(t) {
		return &ast.CallExpr{Fun: helper("TypeOf", arg.Pos()), Lparen: arg.Pos(), Args: []ast.Expr{arg}, Rparen: arg.End()}
	}
	if t == nil || types.IsInterface(t) {
		return nil
	}
	name := types.TypeString(t, (*types.Package).Name)
	if !strings.Contains(name, "main.") {
		return nil
	}
	return &ast.BasicLit{ValuePos: arg.Pos(), Kind: token.STRING, Value: strconv.Quote(name)}
}

// typeOf names the type of what value, an interface that a cell declared, holds.
func typeOf(value any) string {
	_, t := takeOut(value)
	if t == nil {
		return "<nil>"
	}
	name := t.String()
	if before, _, renamed := strings.Cut(name, support); renamed {
		name = before
	}
	return name
}

// takeOut returns what an interface that a cell declared holds, and its type, or
// value and nil.
func takeOut(value any) (any, xreflect.Type) {
	h, ok := kept(value)
	if !ok {
		return value, nil
	}
	inner, t := takeOut(h.Value().Interface())
	if t == nil {
		t = h.Type()
	}
	return inner, t
}
