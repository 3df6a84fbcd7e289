package interp

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"reflect"
	"strings"
	"unicode"

	"sslnotes/kernel/display"
)

// Inspect describes the name at the offset cursor: its declaration, its
// documentation, and for a variable its value.
func (e *Engine) Inspect(code string, cursor, detail int) (text string, ok bool) {
	cursor = min(max(cursor, 0), len(code))
	start := wordStart(code, cursor)
	end := cursor
	for end < len(code) && (code[end] == '_' || unicode.IsLetter(rune(code[end])) || unicode.IsDigit(rune(code[end])) || code[end] >= 0x80) {
		end++
	}
	if start == end {
		return "", false
	}
	for _, candidate := range []string{code, code[:end]} {
		if p := e.unfinished(candidate); p != nil {
			line, column := 1+strings.Count(code[:start], "\n"), start-strings.LastIndexByte(code[:start], '\n')
			if o, owner := p.objectAt(line, column); o != nil {
				return e.describe(o, owner), true
			}
		}
	}
	return e.undeclared(code, start, end)
}

// objectAt returns what the name at a place means, and for a field or method
// the type through which it is selected.
func (p *program) objectAt(line, column int) (types.Object, types.Type) {
	var found types.Object
	var owner types.Type
	for _, s := range p.segments {
		for _, i := range s.items {
			ast.PreorderStack(i.node, nil, func(n ast.Node, stack []ast.Node) bool {
				id, ok := n.(*ast.Ident)
				if !ok || found != nil {
					return true
				}
				if at := p.fset.Position(id.Pos()); at.Line != line || at.Column != column {
					return true
				}
				if found = s.info.Uses[id]; found == nil {
					found = s.info.Defs[id]
				}
				if len(stack) > 0 {
					if sel, ok := stack[len(stack)-1].(*ast.SelectorExpr); ok && sel.Sel == id {
						if selection := s.info.Selections[sel]; selection != nil {
							owner = selection.Recv()
						}
					}
					if kv, ok := stack[len(stack)-1].(*ast.KeyValueExpr); ok && kv.Key == id && len(stack) > 1 {
						owner = s.info.Types[stack[len(stack)-2].(ast.Expr)].Type
					}
				}
				return true
			})
		}
	}
	return found, owner
}

// describe writes a card about o.
func (e *Engine) describe(o types.Object, owner types.Type) string {
	if name, ok := o.(*types.PkgName); ok {
		if doc, ok := e.bound.library.Doc(name.Imported().Path()); ok {
			return doc
		}
	}
	card := types.ObjectString(o, func(p *types.Package) string {
		if p == e.scope.pkg {
			return ""
		}
		return p.Name()
	})
	if doc, ok := e.bound.library.Doc(docKey(o, owner)); ok {
		if v, ok := o.(*types.Var); ok && v.IsField() {
			return card + "\n\nof " + doc
		}
		return doc
	}
	if e.scope.objects[o.Name()] == o {
		card += e.currentValue(o)
	}
	return card
}

// docKey is where the documentation of o is: for a field, that of its type.
func docKey(o types.Object, owner types.Type) string {
	if p, ok := types.Unalias(owner).(*types.Pointer); ok {
		owner = p.Elem()
	}
	f, isFunc := o.(*types.Func)
	if isFunc && f.Signature().Recv() != nil {
		owner = f.Signature().Recv().Type()
		if p, ok := owner.(*types.Pointer); ok {
			owner = p.Elem()
		}
	}
	if n, ok := types.Unalias(owner).(*types.Named); ok && n.Obj().Pkg() != nil {
		key := n.Obj().Pkg().Path() + "." + n.Obj().Name()
		if isFunc {
			key += "." + o.Name()
		}
		return key
	}
	if o.Pkg() == nil {
		return ""
	}
	return o.Pkg().Path() + "." + o.Name()
}

// maxValue bounds the value shown of a variable, in bytes.
const maxValue = 300

func (e *Engine) currentValue(o types.Object) (text string) {
	if _, ok := o.(*types.Var); !ok {
		return ""
	}
	defer func() {
		if recover() != nil {
			text = ""
		}
	}()
	v := e.interp.ValueOf(e.names.of[o])
	if !v.IsValid() || v.Kind() == reflect.Func {
		return ""
	}
	text = display.Text(v.Interface())
	if len(text) > maxValue {
		text = strings.ToValidUTF8(text[:maxValue], "") + " …"
	}
	return "\n\n" + fmt.Sprint(text)
}

// undeclared describes a name or pkg.Name that stands in code that does not
// parse, or whose package is not imported.
func (e *Engine) undeclared(code string, start, end int) (string, bool) {
	name := code[start:end]
	if o := e.scope.objects[name]; o != nil {
		return e.describe(o, nil), true
	}
	if token.Lookup(name).IsKeyword() {
		return "keyword " + name, true
	}
	if start > 0 && code[start-1] == '.' {
		pkg := code[wordStart(code, start-1) : start-1]
		if p := e.scope.imports[pkg]; p != "" {
			return e.bound.library.Doc(p + "." + name)
		}
		for _, p := range e.bound.library.Paths() {
			if path.Base(p) == pkg {
				if doc, ok := e.bound.library.Doc(p + "." + name); ok {
					return doc, true
				}
			}
		}
		return "", false
	}
	for _, p := range e.bound.library.Paths() {
		if path.Base(p) == name {
			return e.bound.library.Doc(p)
		}
	}
	return "", false
}
