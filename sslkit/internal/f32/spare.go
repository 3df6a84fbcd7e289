package f32

import (
	"reflect"
	"slices"
	"sync"
)

// spares are values that were given back, by type.
var spares = struct {
	sync.Mutex
	of map[reflect.Type][]any
}{of: map[reflect.Type][]any{}}

// mostSpares is how many of a type are kept.
const mostSpares = 1 << 12

// Take returns a value that was given back, as it was, or a zero one. Whoever
// takes and gives in every step allocates nothing in the long run.
func Take[T any]() *T {
	key := reflect.TypeFor[T]()
	spares.Lock()
	defer spares.Unlock()
	list := spares.of[key]
	last := len(list) - 1
	if last < 0 {
		return new(T)
	}
	x := list[last].(*T)
	list[last] = nil
	spares.of[key] = list[:last]
	return x
}

// Give lets x be taken again; nobody may use it any more. What it points to
// stays in memory, so the giver had better clear it.
func Give[T any](x *T) {
	key := reflect.TypeFor[T]()
	spares.Lock()
	defer spares.Unlock()
	list := spares.of[key]
	if PoisonReleased && slices.Contains(list, any(x)) {
		panic("f32: a value is given back twice")
	}
	if len(list) < mostSpares {
		spares.of[key] = append(list, x)
	}
}
