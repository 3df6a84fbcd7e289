package nn

// State returns the optimizer's memory, to be saved and loaded with the
// parameters it trains. It shares its arrays with the optimizer.
func (o *AdamW) State() Module {
	var s memory
	for i, p := range o.params {
		s = append(s, &Buffer{Name: p.Name + ".m", Value: o.m[i]}, &Buffer{Name: p.Name + ".v", Value: o.v[i]})
	}
	return s
}

// Resume makes the optimizer, whose state has been loaded, go on after the
// given number of steps.
func (o *AdamW) Resume(steps int) {
	o.c1, o.c2 = 1, 1
	for range steps { // as Step multiplies, so that the bits are the same
		o.c1, o.c2 = float64(o.c1*float64(o.Beta1)), float64(o.c2*float64(o.Beta2))
	}
}

// State returns the optimizer's memory, to be saved and loaded with the
// parameters it trains. It shares its arrays with the optimizer.
func (o *SGD) State() Module {
	var s memory
	for i, p := range o.params {
		s = append(s, &Buffer{Name: p.Name + ".velocity", Value: o.v[i]})
	}
	return s
}

// Resume makes the optimizer, whose state has been loaded, go on after the
// given number of steps.
func (o *SGD) Resume(int) {}

// memory is a module of buffers alone.
type memory []*Buffer

// Params implements Module.
func (memory) Params() []*Param { return nil }

// Buffers implements Module.
func (m memory) Buffers() []*Buffer { return m }

// Named returns m under names that begin with prefix, so that modules whose
// names are equal can be saved in one file. It shares m's arrays.
func Named(prefix string, m Module) Module {
	n := &renamed{}
	for _, p := range m.Params() {
		n.params = append(n.params, &Param{prefix + p.Name, p.Value, p.Decay})
	}
	for _, b := range m.Buffers() {
		n.buffers = append(n.buffers, &Buffer{Name: prefix + b.Name, Value: b.Value})
	}
	return n
}

// renamed is a module of other names.
type renamed struct {
	params  []*Param
	buffers []*Buffer
}

// Params implements Module.
func (n *renamed) Params() []*Param { return n.params }

// Buffers implements Module.
func (n *renamed) Buffers() []*Buffer { return n.buffers }
