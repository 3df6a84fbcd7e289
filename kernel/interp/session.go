package interp

import (
	"go/ast"
	"go/token"
	"go/types"
	"maps"
)

// A scope is what cells have declared so far.
type scope struct {
	pkg     *types.Package // the one that all of it is in
	objects map[string]types.Object
	imports map[string]string // name to path
}

func newScope() scope {
	return scope{pkg: types.NewPackage("main", "main"), objects: map[string]types.Object{}, imports: map[string]string{}}
}

func (s scope) clone() scope {
	return scope{pkg: s.pkg, objects: maps.Clone(s.objects), imports: maps.Clone(s.imports)}
}

// has reports whether name means something that a cell declared.
func (s scope) has(name string) bool {
	return s.objects[name] != nil || s.imports[name] != ""
}

// reset empties the package, since a package's scope cannot forget, and puts
// into it what cells have declared, but for the names that hidden declares
// anew. It stays one package, so that a cell may use what is lower-case in
// another.
func (s scope) reset(from types.Importer, hidden map[string]bool) {
	p := s.pkg
	*p = *types.NewPackage("main", "main")
	for name, o := range s.objects {
		if !hidden[name] {
			p.Scope().Insert(o)
		}
	}
	helpers, _ := from.Import(support)
	p.Scope().Insert(types.NewPkgName(token.NoPos, p, support, helpers))
	for name, path := range s.imports {
		if imported, err := from.Import(path); err == nil && !hidden[name] {
			p.Scope().Insert(types.NewPkgName(token.NoPos, p, name, imported))
		}
	}
}

// add records what a checked item declares.
func (s scope) add(i *item, decls *types.Scope, info *types.Info) {
	if i.imports {
		for _, spec := range i.node.(*ast.GenDecl).Specs {
			if name, ok := importedName(spec.(*ast.ImportSpec), info); ok {
				s.imports[name.Name()] = name.Imported().Path()
				delete(s.objects, name.Name())
			}
		}
		return
	}
	s.declare(declared(i.node), decls)
}

// declare records the objects of decls that have these names.
func (s scope) declare(names []string, decls *types.Scope) {
	for _, name := range names {
		if o := decls.Lookup(name); o != nil {
			s.objects[name] = o
			delete(s.imports, name)
		}
	}
}

func importedName(spec *ast.ImportSpec, info *types.Info) (*types.PkgName, bool) {
	o := info.Implicits[spec]
	if spec.Name != nil {
		o = info.Defs[spec.Name]
	}
	name, ok := o.(*types.PkgName)
	return name, ok && name.Name() != "_"
}

// declared lists the names that a declaration gives the package; methods and _
// are none.
func declared(d ast.Decl) []string {
	var names []string
	add := func(id *ast.Ident) {
		if id.Name != "_" {
			names = append(names, id.Name)
		}
	}
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			add(d.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.ValueSpec:
				for _, id := range spec.Names {
					add(id)
				}
			case *ast.TypeSpec:
				add(spec.Name)
			}
		}
	}
	return names
}

// mentions lists the identifiers in n.
func mentions(n ast.Node) map[string]bool {
	found := map[string]bool{}
	ast.Inspect(n, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			found[id.Name] = true
		}
		return true
	})
	return found
}
