package interp

import (
	"fmt"
	"go/ast"
	"maps"
	"reflect"
	"slices"
	"sync/atomic"
	"unsafe"

	"github.com/cosmos72/gomacro/fast"
	gtypes "github.com/cosmos72/gomacro/go/types"
	"github.com/cosmos72/gomacro/xreflect"
)

// A knot makes true types of structs and interfaces that cells declare and that
// mention themselves, such as the nodes of a tree. Reflection makes none, so the
// interpreter lets a field of such a type be a stand-in, an empty interface, but
// does not find the methods of what is in it, and refuses such interfaces.
//
// While the types are declared, a knot gives each a type of its own for a
// stand-in; then it lets reflection make structs with fields of the same layout,
// and puts the true types in their place. The interpreter keeps an interface as a
// pointer to a struct of functions.
type knot struct {
	u        *xreflect.Universe
	name     string // no other knot has it
	declared map[gtypes.Type]xreflect.Type
	standIns map[reflect.Type]bool
	known    map[gtypes.Type]reflect.Type // of those declared; nil while it is being made
	loose    map[reflect.Type]bool        // whether a type is made of stand-ins
	structs  []structure
	parts    []part
}

// A part is a type in a knot and what it truly is.
type part struct {
	g gtypes.Type
	t reflect.Type
}

// A structure is a struct with the layout of one with other fields.
type structure struct {
	t      reflect.Type
	fields []gtypes.Type
}

var (
	forward = reflect.TypeFor[xreflect.Forward]()
	knots   atomic.Int64
)

// newKnot declares the names of specs, but no types, with stand-ins; it returns
// nil if they mention none of themselves.
func newKnot(c *fast.Comp, specs []ast.Spec) *knot {
	k := &knot{u: c.Universe, name: fmt.Sprint("knot", knots.Add(1)), declared: map[gtypes.Type]xreflect.Type{},
		standIns: map[reflect.Type]bool{}, known: map[gtypes.Type]reflect.Type{}, loose: map[reflect.Type]bool{}}
	if !recursive(specs) {
		return nil
	}
	for _, spec := range specs {
		s := spec.(*ast.TypeSpec)
		if s.Assign.IsValid() || s.Name.Name == "_" {
			continue
		}
		x := c.DeclNamedType(s.Name.Name)
		k.declared[x.GoType()] = x
		t := k.itself(s.Name.Name)
		switch d := s.Type.(type) {
		case *ast.InterfaceType:
			if len(d.Methods.List) == 0 {
				continue
			}
			t = reflect.PointerTo(t)
		case *ast.StructType:
		default:
			continue
		}
		k.standIns[t] = true
		force(x, t)
	}
	return k
}

func recursive(specs []ast.Spec) bool {
	names := map[string]bool{}
	for _, s := range specs {
		maps.Copy(names, mentions(s.(*ast.TypeSpec).Type))
	}
	return slices.ContainsFunc(specs, func(s ast.Spec) bool { return names[s.(*ast.TypeSpec).Name.Name] })
}

// itself returns a type like no other.
func (k *knot) itself(name string) reflect.Type {
	return reflect.StructOf([]reflect.StructField{{Name: "Itself", Type: reflect.TypeFor[struct{}](), Tag: reflect.StructTag(k.name + " " + name)}})
}

// tie makes the declared types, now that they are complete, what they truly are.
// It reports whether it could: a type must not mention itself without a struct or
// an interface.
func (k *knot) tie() bool {
	for g := range k.declared {
		if k.of(g) == nil {
			return false
		}
	}
	var fields [][]reflect.Type
	for i := 0; i < len(k.structs); i++ { // which grows
		fields = append(fields, nil)
		for _, g := range k.structs[i].fields {
			t := k.of(g)
			if t == nil {
				return false
			}
			fields[i] = append(fields[i], t)
		}
	}
	for i, s := range k.structs {
		if !setFields(s.t, fields[i], k.name) {
			return false
		}
	}
	for _, p := range k.parts {
		x := k.declared[p.g]
		if x == nil {
			x = k.u.MakeType(p.g, p.t, xreflect.OptDefault)
		}
		force(x, p.t)
		if x.Named() && xreflect.IsEmulatedInterface(x) {
			setMethods(x)
		}
	}
	return true
}

// setMethods makes the functions that call the methods of an x anew, for its
// type has changed.
func setMethods(x xreflect.Type) {
	t, calls := x.ReflectType(), x.GetMethods()
	for i := range *calls {
		f := t.Elem().Field(i + 1).Type // after what the interface holds
		in := []reflect.Type{t}
		for p := range f.Ins() {
			in = append(in, p)
		}
		(*calls)[i] = reflect.MakeFunc(reflect.FuncOf(in, slices.Collect(f.Outs()), f.IsVariadic()), func(args []reflect.Value) []reflect.Value {
			method := args[0].Elem().Field(i + 1)
			if f.IsVariadic() {
				return method.CallSlice(args[1:])
			}
			return method.Call(args[1:])
		})
	}
}

// find returns the interpreter's own description of g, or nil if it has none.
func (k *knot) find(g gtypes.Type) xreflect.Type {
	if d := k.declared[g]; d != nil {
		return d
	}
	x := xreflect.MakeKey(k.u.MakeType(g, forward, xreflect.OptDefault)).Type()
	if x == nil || x.GoType() != g && x.Named() != isNamed(g) {
		return nil
	}
	return x
}

func isNamed(g gtypes.Type) bool {
	switch g.(type) {
	case *gtypes.Basic, *gtypes.Named:
		return true
	}
	return false
}

// settled returns what x is if it has no stand-ins, or nil.
func (k *knot) settled(x xreflect.Type) reflect.Type {
	if x == nil || x.ReflectType() == forward || *markOf(x) != xreflect.OptDefault || k.isLoose(x.ReflectType()) {
		return nil
	}
	return x.ReflectType()
}

func (k *knot) isLoose(t reflect.Type) bool {
	if is, ok := k.loose[t]; ok || t.Name() != "" {
		return is
	}
	if k.standIns[t] || t == forward {
		return true
	}
	k.loose[t] = false // for now: t may be a struct that another knot has made
	is := false
	switch t.Kind() {
	case reflect.Struct:
		for f := range t.Fields() {
			is = is || k.isLoose(f.Type)
		}
	case reflect.Func:
		for p := range t.Ins() {
			is = is || k.isLoose(p)
		}
		for r := range t.Outs() {
			is = is || k.isLoose(r)
		}
	case reflect.Map:
		is = k.isLoose(t.Key()) || k.isLoose(t.Elem())
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Chan:
		is = k.isLoose(t.Elem())
	}
	k.loose[t] = is
	return is
}

// of returns what g truly is, but for the fields of structs, which come last;
// or nil if it does not come to know.
func (k *knot) of(g gtypes.Type) reflect.Type {
	if t, ok := k.known[g]; ok {
		return t
	}
	x := k.find(g)
	if t := k.settled(x); t != nil {
		return t
	}
	if isNamed(g) {
		if k.declared[g] == nil {
			return nil
		}
		k.known[g] = nil
	}
	var t reflect.Type
	switch u := g.Underlying().(type) {
	case *gtypes.Struct:
		if !isNamed(g) {
			t = k.structOf(x, u, k.of)
		} else if t = k.structOf(x, u, k.layout); t != nil {
			k.structs = append(k.structs, structure{t, fieldsOf(u)})
		}
	case *gtypes.Interface:
		t = k.interfaceOf(x, u)
	default:
		t = k.composed(u, k.of)
	}
	if t == nil {
		return nil
	}
	if isNamed(g) {
		k.known[g] = t
	}
	k.parts = append(k.parts, part{g, t})
	return t
}

// layout returns a type that lies in memory as g does.
func (k *knot) layout(g gtypes.Type) reflect.Type {
	x := k.find(g)
	if t := k.settled(x); t != nil {
		return t
	}
	itself := k.itself("")
	switch u := g.Underlying().(type) {
	case *gtypes.Pointer, *gtypes.Interface:
		return reflect.PointerTo(itself)
	case *gtypes.Slice:
		return reflect.SliceOf(itself)
	case *gtypes.Map:
		return reflect.MapOf(reflect.TypeFor[int](), itself)
	case *gtypes.Chan:
		return reflect.ChanOf(reflect.BothDir, itself)
	case *gtypes.Signature:
		return reflect.FuncOf(nil, []reflect.Type{itself}, false)
	case *gtypes.Struct:
		if isNamed(g) {
			return k.of(g)
		}
		return k.structOf(x, u, k.layout)
	}
	return k.composed(g.Underlying(), k.layout)
}

func fieldsOf(u *gtypes.Struct) []gtypes.Type {
	var fields []gtypes.Type
	for i := range u.NumFields() {
		fields = append(fields, u.Field(i).Type())
	}
	return fields
}

// structOf makes the struct that x is of other fields.
func (k *knot) structOf(x xreflect.Type, u *gtypes.Struct, of func(gtypes.Type) reflect.Type) reflect.Type {
	if x == nil || x.ReflectType().Kind() != reflect.Struct {
		return nil
	}
	var fields []reflect.StructField
	for i, g := range fieldsOf(u) {
		t := of(g)
		if t == nil {
			return nil
		}
		old := x.ReflectType().Field(i) // the interpreter has names of its own for what is lower-case
		fields = append(fields, reflect.StructField{Name: old.Name, Type: t, Tag: old.Tag})
	}
	return reflect.StructOf(fields)
}

// interfaceOf makes the pointer to a struct that the interface x is.
func (k *knot) interfaceOf(x xreflect.Type, u *gtypes.Interface) reflect.Type {
	if x == nil || !xreflect.IsEmulatedInterface(x) || x.ReflectType().Elem().NumField() != u.NumMethods()+1 {
		return nil
	}
	methods := map[string]gtypes.Type{}
	for i := range u.NumMethods() {
		name := u.Method(i).Name()
		if !u.Method(i).Exported() {
			name = xreflect.GensymPrivate(name)
		}
		sig := u.Method(i).Type().(*gtypes.Signature)
		methods[name] = gtypes.NewSignature(nil, sig.Params(), sig.Results(), sig.Variadic())
	}
	var fields []reflect.StructField
	var types []gtypes.Type
	for f := range x.ReflectType().Elem().Fields() {
		t, g := f.Type, methods[f.Name]
		if len(fields) > 0 {
			if g == nil {
				return nil
			}
			types = append(types, g)
			t = k.layout(g)
		}
		fields = append(fields, reflect.StructField{Name: f.Name, Type: t})
	}
	t := reflect.StructOf(fields)
	k.structs = append(k.structs, structure{t, types})
	return reflect.PointerTo(t)
}

// composed returns the type that is made of others as g, which has no name, is.
func (k *knot) composed(g gtypes.Type, of func(gtypes.Type) reflect.Type) reflect.Type {
	switch g := g.(type) {
	case *gtypes.Signature:
		in, out := all(g.Params(), of), all(g.Results(), of)
		if slices.Contains(in, nil) || slices.Contains(out, nil) {
			return nil
		}
		return reflect.FuncOf(in, out, g.Variadic())
	case *gtypes.Map:
		if key := of(g.Key()); key != nil {
			return with(of(g.Elem()), func(t reflect.Type) reflect.Type { return reflect.MapOf(key, t) })
		}
	case *gtypes.Pointer:
		return with(of(g.Elem()), reflect.PointerTo)
	case *gtypes.Slice:
		return with(of(g.Elem()), reflect.SliceOf)
	case *gtypes.Array:
		return with(of(g.Elem()), func(t reflect.Type) reflect.Type { return reflect.ArrayOf(int(g.Len()), t) })
	case *gtypes.Chan:
		dir := map[gtypes.ChanDir]reflect.ChanDir{gtypes.SendRecv: reflect.BothDir, gtypes.SendOnly: reflect.SendDir, gtypes.RecvOnly: reflect.RecvDir}
		return with(of(g.Elem()), func(t reflect.Type) reflect.Type { return reflect.ChanOf(dir[g.Dir()], t) })
	}
	return nil
}

func with(t reflect.Type, f func(reflect.Type) reflect.Type) reflect.Type {
	if t == nil {
		return nil
	}
	return f(t)
}

func all(tuple *gtypes.Tuple, of func(gtypes.Type) reflect.Type) []reflect.Type {
	var ts []reflect.Type
	for i := range tuple.Len() {
		ts = append(ts, of(tuple.At(i).Type()))
	}
	return ts
}

// What reflection keeps of a struct, after what it keeps of every type.
type structType struct {
	pkgPath unsafe.Pointer
	fields  []struct {
		name   unsafe.Pointer
		typ    unsafe.Pointer
		offset uintptr
	}
}

func structTypeOf(t reflect.Type) *structType {
	rtype := reflect.ValueOf(t)
	return (*structType)(unsafe.Add(rtype.UnsafePointer(), rtype.Type().Elem().Size()))
}

// setFields changes the types of t's fields, which reflection made, into others
// of the same layout. It reports whether it could.
//
// Reflection compares structs by their fields, which does not end where two of
// the same form hold themselves; but first it compares their packages, so t gets
// one of its own, named name.
func setFields(t reflect.Type, fields []reflect.Type, name string) bool {
	s := structTypeOf(t)
	if !asExpected(t, s) {
		return false
	}
	one := reflect.StructOf([]reflect.StructField{{Name: "x", PkgPath: name, Type: reflect.TypeFor[int]()}})
	s.pkgPath = structTypeOf(one).pkgPath
	header := len(s.fields) - len(fields) // what an interface holds keeps its type
	for i, f := range fields {
		s.fields[header+i].typ = reflect.ValueOf(f).UnsafePointer()
	}
	return true
}

// asExpected reports whether s is what reflection says of t.
func asExpected(t reflect.Type, s *structType) bool {
	if len(s.fields) != t.NumField() {
		return false
	}
	for i := range s.fields {
		f := t.Field(i)
		if s.fields[i].typ != reflect.ValueOf(f.Type).UnsafePointer() || s.fields[i].offset != f.Offset {
			return false
		}
	}
	return true
}
