// Package catalog lists every method, architecture and augmentation there is.
//
// # Design
//
// There is no registry to enter a method in: the table is generated from the
// packages under sslkit, by the interfaces their types implement, with what
// their doc comments say. So a new method is one file, and the command line,
// the kernel and records find it. A test holds the table against the sources.
package catalog

import (
	"fmt"
	"sort"
	"strings"

	"sslnotes/internal/config"
	"sslnotes/sslkit"
	"sslnotes/sslkit/augment"
	"sslnotes/sslkit/nn"
)

//go:generate go run ./gen table.go

// About is what the sources say of a type.
type About struct {
	Type    string  `json:"type"`    // such as "contrastive.SimCLR", as records name it
	Section string  `json:"section"` // the folder under sslkit
	Summary string  `json:"summary"`
	Paper   string  `json:"paper"`
	Fields  []Field `json:"fields"`
}

// A Field is an option.
type Field struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Doc  string `json:"doc"`
}

// An entry makes values of one type.
type entry[T any] struct {
	About
	make func() T
}

// A Method is a self-supervised method there is.
type Method struct {
	Name string `json:"name"`
	About
	New func() sslkit.Method `json:"-"` // returns a new one, all fields zero
}

// Methods lists the methods by section and name.
func Methods() []Method {
	var all []Method
	for _, e := range methods {
		all = append(all, Method{e.make().Name(), e.About, e.make})
	}
	sort.SliceStable(all, func(i, j int) bool {
		return all[i].Section < all[j].Section || all[i].Section == all[j].Section && all[i].Name < all[j].Name
	})
	return all
}

// FindMethod returns the method of the given name, in any case. It returns an
// error that lists the names if there is none.
func FindMethod(name string) (Method, error) {
	var names []string
	for _, m := range Methods() {
		if strings.EqualFold(m.Name, name) {
			return m, nil
		}
		names = append(names, m.Name)
	}
	return Method{}, fmt.Errorf("no method %q, have %s", name, strings.Join(names, ", "))
}

// An Encoder is an architecture there is.
type Encoder struct {
	Name string `json:"name"`
	About
	New func() nn.Plan `json:"-"` // returns a new one, all fields zero
}

// Encoders lists the architectures by name.
func Encoders() []Encoder {
	var all []Encoder
	for _, e := range encoders {
		all = append(all, Encoder{short(e.Type), e.About, e.make})
	}
	return all
}

// FindEncoder returns the architecture of the given name, in any case. It
// returns an error that lists the names if there is none.
func FindEncoder(name string) (Encoder, error) {
	var names []string
	for _, e := range Encoders() {
		if strings.EqualFold(e.Name, name) {
			return e, nil
		}
		names = append(names, e.Name)
	}
	return Encoder{}, fmt.Errorf("no encoder %q, have %s", name, strings.Join(names, ", "))
}

// short is a type's name without its package, in lower case.
func short(typ string) string {
	return strings.ToLower(typ[strings.LastIndexByte(typ, '.')+1:])
}

// Types are all types that records may name.
func Types() config.Types {
	t := config.Types{}
	for _, e := range methods {
		t.Add(e.make())
	}
	for _, e := range encoders {
		t.Add(e.make())
	}
	for _, e := range augmentations {
		t.Add(augment.Op(e.make()))
	}
	return t
}
