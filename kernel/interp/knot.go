package interp

import (
	"fmt"
	"reflect"
	"sync/atomic"
	"unsafe"

	gtypes "github.com/cosmos72/gomacro/go/types"
	"github.com/cosmos72/gomacro/xreflect"
)

// A knot makes true types of structs that cells declare and that hold their own
// kind, such as the nodes of a list or a tree. Reflection makes none, so the
// interpreter lets such a field be a stand-in, an empty interface, but does not
// find the methods of what is in it. A knot lets reflection make a struct with
// fields of the same layout, and then puts the true types in their place.
type knot struct {
	declared map[gtypes.Type]xreflect.Type
	known    map[gtypes.Type]reflect.Type // of those declared; nil while it is being made
	name     string                       // no other knot has it
	itself   reflect.Type                 // what pointers in a layout point to
	structs  []made
	parts    []made
}

// made is a type of the interpreter's and what it truly is.
type made struct {
	x xreflect.Type
	t reflect.Type
}

var (
	forward = reflect.TypeFor[xreflect.Forward]()
	knots   atomic.Int64
)

// tie makes ts, which were declared together, what they truly are. It leaves
// them as they are if one holds itself without a struct.
func tie(u *xreflect.Universe, ts []xreflect.Type) {
	k := &knot{declared: map[gtypes.Type]xreflect.Type{}, known: map[gtypes.Type]reflect.Type{}, name: fmt.Sprint("knot", knots.Add(1))}
	k.itself = reflect.StructOf([]reflect.StructField{{Name: "Itself", Type: reflect.TypeFor[struct{}](), Tag: reflect.StructTag(k.name)}})
	for _, x := range ts {
		k.declared[x.GoType()] = x
	}
	for _, x := range ts {
		if k.of(x) == nil {
			return
		}
	}
	var fields [][]reflect.Type
	for i := 0; i < len(k.structs); i++ { // which grows
		fields = append(fields, nil)
		for f := range k.structs[i].x.NumField() {
			t := k.of(k.structs[i].x.Field(f).Type)
			if t == nil {
				return
			}
			fields[i] = append(fields[i], t)
		}
	}
	for i, s := range k.structs {
		if !setFields(s.t, fields[i], k.name) {
			return
		}
	}
	for _, p := range k.parts {
		if !p.x.Named() {
			p.x = u.MakeType(p.x.GoType(), p.t, xreflect.OptDefault)
		}
		force(p.x, p.t)
	}
}

// loose reports whether x has stand-ins.
func loose(x xreflect.Type) bool {
	return x.ReflectType() == forward || *markOf(x) != xreflect.OptDefault
}

// find returns the interpreter's own description of x, of which there may be
// others, or nil if x is named and there is nothing but its name.
func (k *knot) find(x xreflect.Type) xreflect.Type {
	if d := k.declared[x.GoType()]; d != nil {
		return d
	}
	found := xreflect.MakeKey(x).Type()
	if found == nil || x.Named() && (found.GoType() != x.GoType() || loose(found)) {
		return nil
	}
	return found
}

// of returns what x truly is, but for the fields of structs, which come last;
// or nil if it does not come to know.
func (k *knot) of(x xreflect.Type) reflect.Type {
	if x = k.find(x); x == nil {
		return nil
	}
	if !loose(x) {
		return x.ReflectType()
	}
	t, ok := k.known[x.GoType()]
	if ok {
		return t
	}
	if x.Named() {
		k.known[x.GoType()] = nil
	}
	if x.Kind() == reflect.Struct && x.Named() {
		if t = structOf(x, k.layout); t != nil {
			k.structs = append(k.structs, made{x, t})
		}
	} else {
		t = composed(x, k.of)
	}
	if t == nil {
		return nil
	}
	if x.Named() {
		k.known[x.GoType()] = t
	}
	k.parts = append(k.parts, made{x, t})
	return t
}

// layout returns a type that lies in memory as x does.
func (k *knot) layout(x xreflect.Type) reflect.Type {
	if x = k.find(x); x == nil {
		return nil
	}
	if !loose(x) {
		return x.ReflectType()
	}
	switch x.Kind() {
	case reflect.Pointer:
		return reflect.PointerTo(k.itself)
	case reflect.Slice:
		return reflect.SliceOf(k.itself)
	case reflect.Map:
		return reflect.MapOf(reflect.TypeFor[int](), k.itself)
	case reflect.Chan:
		return reflect.ChanOf(reflect.BothDir, k.itself)
	case reflect.Func:
		return reflect.FuncOf(nil, []reflect.Type{k.itself}, false)
	case reflect.Struct:
		if x.Named() {
			return k.of(x)
		}
	}
	return composed(x, k.layout)
}

// composed returns the type that is made of others as x is.
func composed(x xreflect.Type, of func(xreflect.Type) reflect.Type) reflect.Type {
	var parts []reflect.Type
	add := func(x xreflect.Type) bool {
		t := of(x)
		parts = append(parts, t)
		return t != nil
	}
	switch x.Kind() {
	case reflect.Struct:
		return structOf(x, of)
	case reflect.Func:
		for i := range x.NumIn() {
			if !add(x.In(i)) {
				return nil
			}
		}
		for i := range x.NumOut() {
			if !add(x.Out(i)) {
				return nil
			}
		}
		return reflect.FuncOf(parts[:x.NumIn()], parts[x.NumIn():], x.IsVariadic())
	case reflect.Map:
		if add(x.Key()) && add(x.Elem()) {
			return reflect.MapOf(parts[0], parts[1])
		}
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Chan:
		if add(x.Elem()) {
			return container(x, parts[0])
		}
	}
	return nil
}

func container(x xreflect.Type, elem reflect.Type) reflect.Type {
	switch x.Kind() {
	case reflect.Pointer:
		return reflect.PointerTo(elem)
	case reflect.Slice:
		return reflect.SliceOf(elem)
	case reflect.Array:
		return reflect.ArrayOf(x.Len(), elem)
	}
	return reflect.ChanOf(x.ChanDir(), elem)
}

func structOf(x xreflect.Type, of func(xreflect.Type) reflect.Type) reflect.Type {
	var fields []reflect.StructField
	for i := range x.NumField() {
		old := x.ReflectType().Field(i) // the interpreter has names of its own for what is lower-case
		t := of(x.Field(i).Type)
		if t == nil {
			return nil
		}
		fields = append(fields, reflect.StructField{Name: old.Name, Type: t, Tag: old.Tag})
	}
	return reflect.StructOf(fields)
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
	for i, f := range fields {
		s.fields[i].typ = reflect.ValueOf(f).UnsafePointer()
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
