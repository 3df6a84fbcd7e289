package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"go/types"
	"log"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// An index maps "path", "path.Name" and "path.Type.Method" to a declaration
// and its comment.
type index map[string]string

// maxComment bounds a comment, in bytes: an inspector shows a card, no book.
const maxComment = 1200

func (x index) add(pkg *types.Package, p listed) {
	comments := readComments(p)
	x.put(p.ImportPath, "package "+pkg.Name(), comments[""])
	for _, name := range pkg.Scope().Names() {
		o := pkg.Scope().Lookup(name)
		if !o.Exported() {
			continue
		}
		x.put(p.ImportPath+"."+name, describe(o), comments[name])
		if t, ok := o.Type().(*types.Named); ok && o == t.Obj() {
			x.methods(p.ImportPath+"."+name, t, comments)
		}
	}
}

// methods enters t's methods, and an interface's too.
func (x index) methods(prefix string, t *types.Named, comments map[string]string) {
	for m := range t.Methods() {
		if m.Exported() {
			x.put(prefix+"."+m.Name(), describe(m), comments[t.Obj().Name()+"."+m.Name()])
		}
	}
	if iface, ok := t.Underlying().(*types.Interface); ok {
		for m := range iface.Methods() {
			if m.Exported() {
				x.put(prefix+"."+m.Name(), describe(m), "")
			}
		}
	}
}

func (x index) put(key, declaration, comment string) {
	comment = strings.TrimSpace(comment)
	if len(comment) > maxComment {
		cut := maxComment
		for !utf8.RuneStart(comment[cut]) {
			cut--
		}
		comment = comment[:cut] + " …"
	}
	if comment != "" {
		declaration += "\n\n" + comment
	}
	x[key] = declaration
}

// describe writes o's declaration with packages by name, a struct's fields one
// a line.
func describe(o types.Object) string {
	byName := func(p *types.Package) string {
		if p == o.Pkg() {
			return ""
		}
		return p.Name()
	}
	if t, ok := o.(*types.TypeName); ok {
		if s, ok := t.Type().Underlying().(*types.Struct); ok {
			return describeStruct(t.Name(), s, byName)
		}
	}
	text := types.ObjectString(o, byName)
	if len(text) > maxComment {
		text = text[:maxComment] + " …"
	}
	return strings.ReplaceAll(text, "interface{", "interface {")
}

func describeStruct(name string, s *types.Struct, q types.Qualifier) string {
	var b strings.Builder
	b.WriteString("type " + name + " struct {")
	hidden := false
	for f := range s.Fields() {
		if !f.Exported() {
			hidden = true
			continue
		}
		b.WriteString("\n\t")
		if !f.Embedded() {
			b.WriteString(f.Name() + " ")
		}
		b.WriteString(types.TypeString(f.Type(), q))
	}
	if hidden {
		b.WriteString("\n\t// and unexported fields")
	}
	if s.NumFields() > 0 {
		b.WriteString("\n")
	}
	return b.String() + "}"
}

// readComments returns the doc comments of p by name; "" is the package's.
func readComments(p listed) map[string]string {
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range p.GoFiles {
		f, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.ParseComments)
		if err != nil {
			log.Printf("reading the comments of %s: %v", p.ImportPath, err)
			continue
		}
		files = append(files, f)
	}
	d, err := doc.NewFromFiles(fset, files, p.ImportPath)
	if err != nil {
		log.Printf("reading the comments of %s: %v", p.ImportPath, err)
		return nil
	}
	c := map[string]string{"": d.Doc}
	values := func(vs []*doc.Value) {
		for _, v := range vs {
			for _, n := range v.Names {
				c[n] = v.Doc
			}
		}
	}
	functions := func(prefix string, fs []*doc.Func) {
		for _, f := range fs {
			c[prefix+f.Name] = f.Doc
		}
	}
	values(d.Consts)
	values(d.Vars)
	functions("", d.Funcs)
	for _, t := range d.Types {
		c[t.Name] = t.Doc
		values(t.Consts)
		values(t.Vars)
		functions("", t.Funcs)
		functions(t.Name+".", t.Methods)
	}
	return c
}

// write compresses the index; equal indexes give equal files.
func (x index) write(name string) error {
	text, err := json.Marshal(x) // sorts the keys
	if err != nil {
		return err
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(text); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(name, b.Bytes(), 0o644)
}
