package interp

import (
	"fmt"
	"go/constant"
	"go/token"
	"go/types"
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/cosmos72/gomacro/imports"

	"sslnotes/kernel/symbols"
)

// A bound gives the type checker the compiled packages, built from their
// reflection: the checker sees exactly what the interpreter can call, and no
// second description of it has to be kept. It is a [types.Importer].
type bound struct {
	library  symbols.Library
	packages map[string]*types.Package
	filled   map[string]bool
	memo     map[reflect.Type]types.Type
}

func newBound() *bound {
	return &bound{
		packages: map[string]*types.Package{},
		filled:   map[string]bool{},
		memo:     map[reflect.Type]types.Type{reflect.TypeFor[error](): types.Universe.Lookup("error").Type()},
	}
}

// Import returns a bound package, or says that there is none.
func (b *bound) Import(p string) (*types.Package, error) {
	if b.filled[p] {
		return b.packages[p], nil
	}
	if p != support && !b.library.Load(p) {
		if instead := generic[p]; instead != "" {
			return nil, fmt.Errorf("cells cannot import %s, whose functions have type parameters: %s", p, instead)
		}
		return nil, fmt.Errorf("there is no package %s among those that cells can import%s", p, b.similar(p))
	}
	for _, needed := range b.library.Needs(p) {
		b.library.Load(needed)
	}
	b.filled[p] = true
	b.fill(b.pkg(p), imports.Packages[p])
	return b.packages[p], nil
}

// similar suggests bound packages with p's last element.
func (b *bound) similar(p string) string {
	var found []string
	for _, q := range b.library.Paths() {
		if path.Base(q) == path.Base(p) {
			found = append(found, q)
		}
	}
	if len(found) == 0 {
		return ""
	}
	return "; did you mean " + strings.Join(found, " or ") + "?"
}

func (b *bound) pkg(p string) *types.Package {
	pkg := b.packages[p]
	if pkg == nil {
		name := path.Base(p)
		if i, ok := imports.Packages[p]; ok && i.Name != "" {
			name = i.Name
		}
		pkg = types.NewPackage(p, name)
		b.packages[p] = pkg
	}
	return pkg
}

func (b *bound) fill(pkg *types.Package, from imports.Package) {
	scope := pkg.Scope()
	for _, name := range slices.Sorted(maps.Keys(from.Types)) {
		t := from.Types[name]
		if n, ok := b.of(t).(*types.Named); ok && t.Name() == name && t.PkgPath() == pkg.Path() {
			scope.Insert(n.Obj())
			continue
		}
		alias := types.NewTypeName(token.NoPos, pkg, name, nil)
		types.NewAlias(alias, b.of(t))
		scope.Insert(alias)
	}
	for _, iface := range from.Types {
		b.hidden(pkg, iface, from.Types)
	}
	for _, name := range slices.Sorted(maps.Keys(from.Binds)) {
		scope.Insert(b.object(pkg, name, from.Binds[name], from.Untypeds[name]))
	}
	pkg.SetName(from.Name)
	pkg.MarkComplete()
}

// hidden gives those of ts that satisfy iface its lower-case methods, which
// reflection lists for interfaces alone.
func (b *bound) hidden(pkg *types.Package, iface reflect.Type, ts map[string]reflect.Type) {
	if iface.Kind() != reflect.Interface {
		return
	}
	for m := range iface.Methods() {
		if m.IsExported() {
			continue
		}
		for _, t := range ts {
			n, ok := b.of(t).(*types.Named)
			if !ok || t.Kind() == reflect.Interface || !reflect.PointerTo(t).Implements(iface) {
				continue
			}
			var recv types.Type = n
			if !t.Implements(iface) {
				recv = types.NewPointer(n)
			}
			if has, _, _ := types.LookupFieldOrMethod(recv, false, pkg, m.Name); has == nil {
				n.AddMethod(types.NewFunc(token.NoPos, pkg, m.Name, b.signature(m.Type, 0, types.NewParam(token.NoPos, pkg, "", recv))))
			}
		}
	}
}

func (b *bound) object(pkg *types.Package, name string, v reflect.Value, untyped string) types.Object {
	if kind, text, ok := strings.Cut(untyped, ":"); ok {
		t, value := untypedConstant(kind, text)
		return types.NewConst(token.NoPos, pkg, name, t, value)
	}
	t := b.of(v.Type())
	switch {
	case v.CanAddr():
		return types.NewVar(token.NoPos, pkg, name, t)
	case v.Kind() == reflect.Func:
		return types.NewFunc(token.NoPos, pkg, name, b.signature(v.Type(), 0, nil))
	}
	return types.NewConst(token.NoPos, pkg, name, t, typedConstant(v))
}

// untypedConstant reads what the generator wrote: a kind and an exact value.
func untypedConstant(kind, text string) (types.Type, constant.Value) {
	number := func(tok token.Token) constant.Value {
		num, den, fraction := strings.Cut(text, "/")
		v := constant.MakeFromLiteral(strings.TrimPrefix(num, "-"), tok, 0)
		if fraction {
			v = constant.BinaryOp(constant.ToFloat(v), token.QUO, constant.ToFloat(constant.MakeFromLiteral(den, tok, 0)))
		}
		if strings.HasPrefix(num, "-") {
			v = constant.UnaryOp(token.SUB, v, 0)
		}
		return v
	}
	switch kind {
	case "bool":
		return types.Typ[types.UntypedBool], constant.MakeBool(text == "true")
	case "string":
		return types.Typ[types.UntypedString], constant.MakeString(text)
	case "rune":
		return types.Typ[types.UntypedRune], number(token.INT)
	case "float":
		return types.Typ[types.UntypedFloat], constant.ToFloat(number(token.FLOAT))
	}
	return types.Typ[types.UntypedInt], number(token.INT)
}

func typedConstant(v reflect.Value) constant.Value {
	switch {
	case v.Kind() == reflect.Bool:
		return constant.MakeBool(v.Bool())
	case v.Kind() == reflect.String:
		return constant.MakeString(v.String())
	case v.CanInt():
		return constant.MakeInt64(v.Int())
	case v.CanUint():
		return constant.MakeUint64(v.Uint())
	case v.CanFloat():
		return constant.MakeFloat64(v.Float())
	}
	return constant.MakeUnknown()
}

// of returns t as the checker knows it; equal types give identical ones.
func (b *bound) of(t reflect.Type) types.Type {
	if known := b.memo[t]; known != nil {
		return known
	}
	if t.PkgPath() == "" || t.Name() == "" {
		u := b.underlying(t, nil)
		b.memo[t] = u
		return u
	}
	pkg := b.pkg(t.PkgPath())
	n := types.NewNamed(types.NewTypeName(token.NoPos, pkg, t.Name(), nil), nil, nil)
	b.memo[t] = n
	n.SetUnderlying(b.underlying(t, pkg))
	if t.Kind() != reflect.Interface {
		b.methods(n, t, pkg)
	}
	return n
}

// methods adds t's methods to n. Reflection lists promoted ones among them,
// which changes nothing of what a selector finds.
func (b *bound) methods(n *types.Named, t reflect.Type, pkg *types.Package) {
	pointer := reflect.PointerTo(t)
	for m := range pointer.Methods() {
		var recv types.Type = n
		if _, ok := t.MethodByName(m.Name); !ok {
			recv = types.NewPointer(n)
		}
		sig := b.signature(m.Type, 1, types.NewParam(token.NoPos, pkg, "", recv))
		n.AddMethod(types.NewFunc(token.NoPos, pkg, m.Name, sig))
	}
}

var basics = map[reflect.Kind]types.BasicKind{
	reflect.Bool: types.Bool, reflect.String: types.String, reflect.UnsafePointer: types.UnsafePointer,
	reflect.Int: types.Int, reflect.Int8: types.Int8, reflect.Int16: types.Int16, reflect.Int32: types.Int32, reflect.Int64: types.Int64,
	reflect.Uint: types.Uint, reflect.Uint16: types.Uint16, reflect.Uint32: types.Uint32, reflect.Uint64: types.Uint64, reflect.Uintptr: types.Uintptr,
	reflect.Float32: types.Float32, reflect.Float64: types.Float64, reflect.Complex64: types.Complex64, reflect.Complex128: types.Complex128,
}

func (b *bound) underlying(t reflect.Type, pkg *types.Package) types.Type {
	switch t.Kind() {
	case reflect.Uint8:
		return types.Universe.Lookup("byte").Type().Underlying()
	case reflect.Pointer:
		return types.NewPointer(b.of(t.Elem()))
	case reflect.Slice:
		return types.NewSlice(b.of(t.Elem()))
	case reflect.Array:
		return types.NewArray(b.of(t.Elem()), int64(t.Len()))
	case reflect.Map:
		return types.NewMap(b.of(t.Key()), b.of(t.Elem()))
	case reflect.Chan:
		dir := map[reflect.ChanDir]types.ChanDir{reflect.BothDir: types.SendRecv, reflect.SendDir: types.SendOnly, reflect.RecvDir: types.RecvOnly}
		return types.NewChan(dir[t.ChanDir()], b.of(t.Elem()))
	case reflect.Func:
		return b.signature(t, 0, nil)
	case reflect.Struct:
		return b.structure(t, pkg)
	case reflect.Interface:
		return b.interfaces(t, pkg)
	}
	return types.Typ[basics[t.Kind()]]
}

func (b *bound) structure(t reflect.Type, pkg *types.Package) types.Type {
	var fields []*types.Var
	var tags []string
	for f := range t.Fields() {
		p := pkg
		if f.PkgPath != "" {
			p = b.pkg(f.PkgPath)
		}
		fields = append(fields, types.NewField(token.NoPos, p, f.Name, b.of(f.Type), f.Anonymous))
		tags = append(tags, string(f.Tag))
	}
	return types.NewStruct(fields, tags)
}

func (b *bound) interfaces(t reflect.Type, pkg *types.Package) types.Type {
	if t.NumMethod() == 0 {
		return types.Universe.Lookup("any").Type().Underlying()
	}
	var methods []*types.Func
	for m := range t.Methods() {
		p := pkg
		if m.PkgPath != "" {
			p = b.pkg(m.PkgPath)
		}
		methods = append(methods, types.NewFunc(token.NoPos, p, m.Name, b.signature(m.Type, 0, nil)))
	}
	return types.NewInterfaceType(methods, nil).Complete()
}

// signature returns t's; its first skip parameters are a method's receiver.
func (b *bound) signature(t reflect.Type, skip int, recv *types.Var) *types.Signature {
	var params, results []*types.Var
	for i := skip; i < t.NumIn(); i++ {
		params = append(params, types.NewParam(token.NoPos, nil, "", b.of(t.In(i))))
	}
	for r := range t.Outs() {
		results = append(results, types.NewParam(token.NoPos, nil, "", b.of(r)))
	}
	return types.NewSignatureType(recv, nil, nil, types.NewTuple(params...), types.NewTuple(results...), t.IsVariadic())
}
