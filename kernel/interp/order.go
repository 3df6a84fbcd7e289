package interp

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// A unit is what the interpreter is given at once: one item, or declarations
// that need each other.
type unit struct {
	items []*item
	cycle bool
}

// order arranges a segment so that each declaration stands before what uses
// it, which the interpreter needs and Go does not ask for. Statements and
// variables keep their order.
func (c *checked) order() []unit {
	o := &orderer{c: c, owner: map[types.Object]*item{}, variable: map[types.Object]*item{}, methods: map[types.Object][]*item{},
		index: map[*item]int{}, low: map[*item]int{}, onStack: map[*item]bool{}}
	for _, i := range c.items {
		o.own(i)
	}
	var waiting []*item // functions that use variables still to come
	for _, i := range c.items {
		if hoisted(i) && !o.ready(i, map[*item]bool{}) {
			waiting = append(waiting, i)
			continue
		}
		o.visit(i)
		waiting = slices.DeleteFunc(waiting, func(w *item) bool {
			ready := o.ready(w, map[*item]bool{})
			if ready {
				o.visit(w)
			}
			return ready
		})
	}
	for _, i := range waiting {
		o.visit(i)
	}
	return o.units
}

// ready reports whether every variable that i reaches through declarations has
// been given to the interpreter.
func (o *orderer) ready(i *item, seen map[*item]bool) bool {
	if seen[i] {
		return true
	}
	seen[i] = true
	for _, obj := range o.uses(i) {
		if at := o.variable[obj]; at != nil && o.index[at] == 0 {
			return false
		}
	}
	return !slices.ContainsFunc(o.needs(i), func(j *item) bool { return !o.ready(j, seen) })
}

// uses lists the objects that i mentions.
func (o *orderer) uses(i *item) []types.Object {
	var found []types.Object
	ast.Inspect(i.node, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			if obj := o.c.info.Uses[id]; obj != nil && !slices.Contains(found, obj) {
				found = append(found, obj)
			}
		}
		return true
	})
	return found
}

// An orderer is Tarjan's algorithm over the items that are declarations.
type orderer struct {
	c        *checked
	owner    map[types.Object]*item // of constants, types, functions
	variable map[types.Object]*item
	methods  map[types.Object][]*item // by the type's name
	index    map[*item]int
	low      map[*item]int
	onStack  map[*item]bool
	stack    []*item
	units    []unit
}

func (o *orderer) own(i *item) {
	into := o.owner
	if !hoisted(i) {
		into = o.variable
	}
	for _, name := range declared(i.node) {
		if obj := o.c.decls.Lookup(name); obj != nil {
			into[obj] = i
		}
	}
	if f, ok := i.node.(*ast.FuncDecl); ok && f.Recv != nil {
		if t := o.receiver(f); t != nil {
			o.methods[t] = append(o.methods[t], i)
		}
	}
}

// receiver returns the type whose method f is.
func (o *orderer) receiver(f *ast.FuncDecl) types.Object {
	if id := receiverName(f); id != nil {
		return o.c.info.Uses[id]
	}
	return nil
}

// needs lists the declarations that must stand before i: those it mentions,
// with the methods of the types it mentions unless it is a type itself.
func (o *orderer) needs(i *item) []*item {
	var out []*item
	g, isGen := i.node.(*ast.GenDecl)
	isType := isGen && g.Tok == token.TYPE
	add := func(obj types.Object) {
		if at := o.owner[obj]; at != nil {
			out = append(out, at)
		}
		if !isType {
			out = append(out, o.methods[obj]...)
		}
	}
	for _, obj := range o.uses(i) {
		add(obj)
		if v, ok := obj.(*types.Var); ok && !isType {
			for _, t := range namedIn(v.Type()) {
				add(t)
			}
		}
	}
	return out
}

// namedIn returns the named types that a value of type t gives at once.
func namedIn(t types.Type) []types.Object {
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		return []types.Object{t.Obj()}
	case interface{ Elem() types.Type }:
		return namedIn(t.Elem())
	}
	return nil
}

func (o *orderer) visit(i *item) {
	if o.index[i] != 0 {
		return
	}
	n := len(o.index) + 1
	o.index[i], o.low[i] = n, n
	o.stack = append(o.stack, i)
	o.onStack[i] = true
	for _, j := range o.needs(i) {
		if o.index[j] == 0 {
			o.visit(j)
			o.low[i] = min(o.low[i], o.low[j])
		} else if o.onStack[j] {
			o.low[i] = min(o.low[i], o.index[j])
		}
	}
	if o.low[i] != n {
		return
	}
	for k := len(o.stack) - 1; ; k-- {
		o.onStack[o.stack[k]] = false
		if o.stack[k] == i {
			o.units = append(o.units, unit{items: slices.Clone(o.stack[k:]), cycle: len(o.stack)-k > 1})
			o.stack = o.stack[:k]
			return
		}
	}
}
