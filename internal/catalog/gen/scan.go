package main

import (
	"fmt"
	"go/ast"
	"go/doc"
	"go/types"
	"regexp"
	"strings"

	"golang.org/x/tools/go/packages"
)

// A kind is one table: the types that implement an interface.
type kind struct {
	table, path, name string // the interface is path.name
	result            string
}

var kinds = []kind{
	{"methods", "sslnotes/sslkit", "Method", "sslkit.Method"},
	{"encoders", "sslnotes/sslkit/nn", "Plan", "nn.Plan"},
	{"augmentations", "sslnotes/sslkit/augment", "Op", "augment.Op"},
}

// An entry is a row of a table.
type entry struct {
	kind, path, section string
	typ                 string // such as "nn.ResNet", or "*pretext.Rotation" where only the pointer has the methods
	summary, paper      string
	fields              [][3]string // name, type, doc
}

// scan returns the entries of all packages below root, in the order of their
// names.
func scan(root string) ([]entry, error) {
	config := &packages.Config{Mode: packages.NeedName | packages.NeedTypes | packages.NeedSyntax | packages.NeedTypesInfo | packages.NeedImports | packages.NeedDeps}
	loaded, err := packages.Load(config, root+"/...")
	if err != nil {
		return nil, err
	}
	if packages.PrintErrors(loaded) > 0 {
		return nil, fmt.Errorf("%s does not compile", root)
	}
	wanted := map[string]*types.Interface{}
	for _, p := range loaded {
		for _, k := range kinds {
			if p.PkgPath == k.path {
				wanted[k.table] = p.Types.Scope().Lookup(k.name).Type().Underlying().(*types.Interface)
			}
		}
	}
	var found []entry
	for _, p := range loaded {
		section := strings.TrimPrefix(p.PkgPath, root+"/")
		if section == p.PkgPath || strings.Contains(section, "internal") || strings.HasSuffix(section, "test") {
			continue
		}
		found = append(found, scanPackage(p, section, wanted)...)
	}
	return found, nil
}

func scanPackage(p *packages.Package, section string, wanted map[string]*types.Interface) []entry {
	var found []entry
	for _, name := range p.Types.Scope().Names() { // sorted
		o, ok := p.Types.Scope().Lookup(name).(*types.TypeName)
		if !ok || !o.Exported() || o.IsAlias() {
			continue
		}
		if _, ok := o.Type().Underlying().(*types.Struct); !ok {
			continue
		}
		for _, k := range kinds {
			e := entry{kind: k.table, path: p.PkgPath, section: section, typ: p.Types.Name() + "." + name}
			switch i := wanted[k.table]; {
			case types.Implements(o.Type(), i):
			case types.Implements(types.NewPointer(o.Type()), i):
				e.typ = "*" + e.typ
			default:
				continue
			}
			e.describe(p.Syntax, name)
			found = append(found, e)
		}
	}
	return found
}

// describe fills in what the type's comments say.
func (e *entry) describe(files []*ast.File, name string) {
	for _, f := range files {
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, s := range g.Specs {
				if t, ok := s.(*ast.TypeSpec); ok && t.Name.Name == name {
					text := t.Doc
					if text == nil {
						text = g.Doc
					}
					e.summary, e.paper = describe(text.Text())
					e.fields = fieldsOf(t.Type.(*ast.StructType))
				}
			}
		}
	}
}

var citation = regexp.MustCompile(`\s*\(([^()]*\b(?:19|20)\d\d\b[^()]*)\)`)

// describe splits a doc comment into its first sentence, without citation, and
// the first citation: what stands in brackets with a year.
func describe(text string) (summary, paper string) {
	line := strings.Join(strings.Fields(text), " ")
	if m := citation.FindStringSubmatch(line); m != nil {
		paper = m[1]
	}
	return new(doc.Package).Synopsis(citation.ReplaceAllString(line, "")), paper
}

// fieldsOf returns name, type and comment of the exported fields.
func fieldsOf(s *ast.StructType) [][3]string {
	var all [][3]string
	for _, f := range s.Fields.List {
		text := f.Doc.Text()
		if text == "" {
			text = f.Comment.Text()
		}
		for _, n := range f.Names {
			if n.IsExported() {
				all = append(all, [3]string{n.Name, types.ExprString(f.Type), strings.Join(strings.Fields(text), " ")})
			}
		}
	}
	return all
}
