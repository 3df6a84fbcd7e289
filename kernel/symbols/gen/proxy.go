package main

import (
	"bytes"
	"fmt"
	"go/types"
	"strings"
)

// proxy declares a struct through which an interpreted type satisfies the
// interface: Object holds the value, and one function per method calls it. It
// reports false if a method cannot be written outside the interface's package.
func (b *binder) proxy(name string, iface *types.Interface) bool {
	if iface.NumMethods() == 0 {
		return false
	}
	for m := range iface.Methods() {
		if !m.Exported() || !visible(m.Type(), map[types.Type]bool{}) {
			return false
		}
	}
	var fields, methods bytes.Buffer
	for m := range iface.Methods() {
		s := b.signature(m.Signature())
		fmt.Fprintf(&fields, "%s_ func(%s) %s\n", m.Name(), strings.Join(append([]string{"o any"}, s.params...), ", "), s.results)
		fmt.Fprintf(&methods, "\nfunc (p *%s) %s(%s) %s {\n%sp.%s_(%s)\n}\n", name, m.Name(),
			strings.Join(s.params, ", "), s.results, s.keyword, m.Name(), strings.Join(append([]string{"p.Object"}, s.args...), ", "))
	}
	fmt.Fprintf(&b.decls, "\ntype %s struct {\nObject any\n%s}\n%s", name, &fields, &methods)
	return true
}

// A written signature is one as it stands in source.
type written struct {
	params, args []string
	results      string
	keyword      string // "return " if there are results
}

func (b *binder) signature(s *types.Signature) written {
	var w written
	for j := range s.Params().Len() {
		t, arg := types.TypeString(s.Params().At(j).Type(), b.qualify), fmt.Sprintf("a%d", j)
		param := arg + " " + t
		if s.Variadic() && j == s.Params().Len()-1 {
			param, arg = arg+" ..."+strings.TrimPrefix(t, "[]"), arg+"..."
		}
		w.params, w.args = append(w.params, param), append(w.args, arg)
	}
	var results []string
	for v := range s.Results().Variables() {
		results = append(results, types.TypeString(v.Type(), b.qualify))
	}
	if len(results) > 0 {
		w.results, w.keyword = "("+strings.Join(results, ", ")+")", "return "
	}
	return w
}

// visible reports whether t can be named outside its package.
func visible(t types.Type, seen map[types.Type]bool) bool {
	if seen[t] {
		return true
	}
	seen[t] = true
	switch t := t.(type) {
	case *types.Alias:
		return nameable(t.Obj()) && visible(types.Unalias(t), seen)
	case *types.Named:
		for arg := range t.TypeArgs().Types() {
			if !visible(arg, seen) {
				return false
			}
		}
		return nameable(t.Obj())
	case *types.Map:
		return visible(t.Key(), seen) && visible(t.Elem(), seen)
	case interface{ Elem() types.Type }: // pointers, slices, arrays, channels
		return visible(t.Elem(), seen)
	case *types.Signature:
		return visibleTuple(t.Params(), seen) && visibleTuple(t.Results(), seen)
	}
	return true
}

func visibleTuple(t *types.Tuple, seen map[types.Type]bool) bool {
	for v := range t.Variables() {
		if !visible(v.Type(), seen) {
			return false
		}
	}
	return true
}

func nameable(o *types.TypeName) bool {
	return o.Pkg() == nil || o.Exported() && !strings.Contains("/"+o.Pkg().Path()+"/", "/internal/")
}
