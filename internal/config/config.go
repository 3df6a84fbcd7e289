// Package config writes a struct of options as JSON and reads it back, bit for
// bit, so that a record can be executed again.
//
// # Design
//
// Options are plain structs with exported fields. A field of interface type
// (an augmentation, an architecture) is written as an object with its Go type
// under "type"; reading needs a [Types] table from those names to types.
// Unknown fields are refused, so a record of another version fails by name and
// not silently. Floats are written in the shortest form that reads back to the
// same bits.
//
// A record's digest covers its options. So a field that came after runs were
// recorded, and whose zero value is what was done before, has the tag
// config:"omitzero": runs that leave it alone keep their digests.
package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"sort"
	"strings"
)

// Types maps the names under "type" to Go types, e.g. "augment.Crop".
type Types map[string]reflect.Type

// Name returns the name of v's type as records hold it: package.Type, without
// pointer.
func Name(v any) string {
	t := reflect.TypeOf(v)
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil {
		return ""
	}
	return t.String()
}

// Add enters the types of the given values.
func (t Types) Add(values ...any) {
	for _, v := range values {
		t[Name(v)] = reflect.Indirect(reflect.ValueOf(v)).Type()
	}
}

// Encode returns v as JSON. Channels, functions, unexported fields and zero ones
// with the tag config:"omitzero" are left out; a NaN or infinite field is an
// error.
func Encode(v any) (json.RawMessage, error) {
	x, err := plain(reflect.ValueOf(v), true)
	if err != nil {
		return nil, err
	}
	return json.Marshal(x)
}

// plain turns a value into maps, slices and scalars. Typed says whether the
// place it stands in does not tell its type.
func plain(v reflect.Value, typed bool) (any, error) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			return nil, nil
		}
		return plain(v.Elem(), typed || v.Kind() == reflect.Interface)
	case reflect.Struct:
		return plainStruct(v, typed)
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && v.IsNil() {
			return nil, nil
		}
		list := make([]any, v.Len())
		for i := range list {
			x, err := plain(v.Index(i), false)
			if err != nil {
				return nil, fmt.Errorf("[%d]: %w", i, err)
			}
			list[i] = x
		}
		return list, nil
	case reflect.Invalid:
		return nil, nil
	}
	if _, err := json.Marshal(v.Interface()); err != nil {
		return nil, fmt.Errorf("config: cannot record a value of type %s: %w", v.Type(), err)
	}
	return v.Interface(), nil
}

func plainStruct(v reflect.Value, typed bool) (any, error) {
	fields := map[string]any{}
	if typed {
		fields["type"] = v.Type().String()
	}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if !f.IsExported() || f.Type.Kind() == reflect.Func || f.Type.Kind() == reflect.Chan {
			continue
		}
		if f.Tag.Get("config") == "omitzero" && v.Field(i).IsZero() {
			continue
		}
		x, err := plain(v.Field(i), false)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		fields[f.Name] = x
	}
	return fields, nil
}

// TypeOf returns the name under "type" of an encoded struct.
func TypeOf(raw json.RawMessage) string {
	var head struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(raw, &head) != nil {
		return ""
	}
	return head.Type
}

// New makes a pointer to the type named in raw and decodes raw into it.
func (t Types) New(raw json.RawMessage) (any, error) {
	name := TypeOf(raw)
	typ, ok := t[name]
	if !ok {
		return nil, fmt.Errorf("config: unknown type %q, have %s", name, strings.Join(t.names(), ", "))
	}
	v := reflect.New(typ)
	if err := t.decode(raw, v.Elem(), name); err != nil {
		return nil, err
	}
	return v.Interface(), nil
}

// Decode reads raw, as Encode wrote it, into the struct to which dst points.
func (t Types) Decode(raw json.RawMessage, dst any) error {
	v := reflect.ValueOf(dst).Elem()
	return t.decode(raw, v, v.Type().String())
}

func (t Types) names() []string {
	var names []string
	for n := range t {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

func (t Types) decode(raw json.RawMessage, v reflect.Value, path string) error {
	if bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
		v.SetZero()
		return nil
	}
	switch v.Kind() {
	case reflect.Interface:
		x, err := t.New(raw)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return t.setInterface(v, reflect.ValueOf(x), path)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return t.decode(raw, v.Elem(), path)
	case reflect.Struct:
		return t.decodeStruct(raw, v, path)
	case reflect.Slice:
		return t.decodeSlice(raw, v, path)
	}
	if err := json.Unmarshal(raw, v.Addr().Interface()); err != nil {
		return fmt.Errorf("config: %s is %s, want %s", path, raw, v.Type())
	}
	return nil
}

// setInterface stores the value to which x points in the interface v, or x
// itself if only the pointer has the methods.
func (t Types) setInterface(v, x reflect.Value, path string) error {
	switch {
	case x.Elem().Type().AssignableTo(v.Type()):
		v.Set(x.Elem())
	case x.Type().AssignableTo(v.Type()):
		v.Set(x)
	default:
		return fmt.Errorf("config: %s: %s is not a %s", path, x.Elem().Type(), v.Type())
	}
	return nil
}

func (t Types) decodeStruct(raw json.RawMessage, v reflect.Value, path string) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return fmt.Errorf("config: %s is %s, want an object", path, raw)
	}
	for name, x := range fields {
		if name == "type" {
			continue
		}
		f, ok := v.Type().FieldByName(name)
		if !ok || !f.IsExported() {
			return fmt.Errorf("config: %s has no field %s", path, name)
		}
		if err := t.decode(x, v.FieldByIndex(f.Index), path+"."+name); err != nil {
			return err
		}
	}
	return nil
}

func (t Types) decodeSlice(raw json.RawMessage, v reflect.Value, path string) error {
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return fmt.Errorf("config: %s is %s, want a list", path, raw)
	}
	v.Set(reflect.MakeSlice(v.Type(), len(list), len(list)))
	for i, x := range list {
		if err := t.decode(x, v.Index(i), fmt.Sprintf("%s[%d]", path, i)); err != nil {
			return err
		}
	}
	return nil
}

// Set changes one field by its name or dotted path from text, as a command
// line gives it: Set(&m, "Temperature", "0.5").
func (t Types) Set(dst any, name, text string) error {
	v := reflect.ValueOf(dst).Elem()
	path := v.Type().String()
	for part := range strings.SplitSeq(name, ".") {
		if v.Kind() != reflect.Struct {
			return fmt.Errorf("config: %s has no fields, so %s cannot be set", path, name)
		}
		f, ok := v.Type().FieldByName(part)
		if !ok || !f.IsExported() {
			return fmt.Errorf("config: %s has no field %s, have %s", path, part, strings.Join(fieldNames(v.Type()), ", "))
		}
		v, path = v.FieldByIndex(f.Index), path+"."+part
	}
	raw := json.RawMessage(text)
	if v.Kind() == reflect.String {
		raw, _ = json.Marshal(text)
	}
	return t.decode(raw, v, path)
}

func fieldNames(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() {
			names = append(names, f.Name)
		}
	}
	return names
}
