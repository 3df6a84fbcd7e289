package interp

import (
	"reflect"
	"unsafe"

	"github.com/cosmos72/gomacro/xreflect"
)

// settle ends the making of the types that the interpreter read from
// reflection.
//
// While it reads a struct that holds its own kind, say a T with a field []*T, it
// marks T as incomplete, and with it the types made of T meanwhile: *T is marked,
// too, and []*T is taken for a slice of a stand-in. The marks outlive the reading,
// and everything made of these types later is a stand-in, without fields and
// methods. But the true types are known.
func settle(u *xreflect.Universe) {
	for t, x := range u.ReflectTypes {
		force(x, t)
	}
}

// force says what x truly is.
func force(x xreflect.Type, t reflect.Type) {
	x.UnsafeForceReflectType(t)
	*markOf(x) = xreflect.OptDefault
}

// markOf returns where x keeps its mark, to which there is no other way.
func markOf(x xreflect.Type) *xreflect.Option {
	f := reflect.ValueOf(x) // a function that guards the description of a type
	of := f.Call([]reflect.Value{reflect.Zero(f.Type().In(0))})[0].Elem()
	return (*xreflect.Option)(unsafe.Pointer(of.FieldByName("option").UnsafeAddr()))
}
