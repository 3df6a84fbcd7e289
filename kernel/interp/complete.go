package interp

import (
	"cmp"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"sslnotes/kernel/engine"
)

// Complete proposes words for the offset cursor: paths in an import, members
// after a dot, fields in a struct literal, and otherwise the names in scope,
// packages that are not imported yet among them.
func (e *Engine) Complete(code string, cursor int) engine.Completion {
	cursor = min(max(cursor, 0), len(code))
	if partial := importPath.FindStringSubmatch(code[:cursor]); partial != nil {
		return e.completeImport(partial[1], cursor)
	}
	start := wordStart(code, cursor)
	prefix := code[start:cursor]
	c := &completer{engine: e, prefix: prefix, seen: map[string]bool{}}
	if openEnd([]byte(code[:cursor])).inString {
		return engine.Completion{Start: cursor, End: cursor}
	}
	if p := e.unfinished(code[:cursor] + placeholder); p != nil {
		c.propose(p)
	} else if dot := strings.TrimRight(code[:start], " \t\n"); !strings.HasSuffix(dot, ".") {
		c.names(nil, nil, token.NoPos)
	}
	return engine.Completion{Start: start, End: cursor, Matches: c.sorted()}
}

// importPath matches code that ends within the path of an import.
var importPath = regexp.MustCompile(`(?:^|[\n;])\s*import\s*(?:\(\s*(?:(?:[\w.]+\s*)?(?:"[^"\n]*"|//.*)?[\s;]+)*)?(?:[\w.]+\s*)?"([^"\n]*)$`)

func (e *Engine) completeImport(prefix string, cursor int) engine.Completion {
	c := engine.Completion{Start: cursor - len(prefix), End: cursor}
	for _, p := range e.bound.library.Paths() {
		if strings.HasPrefix(p, prefix) {
			c.Matches = append(c.Matches, engine.Match{Text: p, Type: "package"})
		}
	}
	return c
}

func wordStart(code string, cursor int) int {
	for cursor > 0 {
		r, size := utf8.DecodeLastRuneInString(code[:cursor])
		if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			break
		}
		cursor -= size
	}
	return cursor
}

// placeholder marks the word at the cursor.
const placeholder = support + "cursor"

// unfinished checks code that ends in the middle of something, after closing
// what is open. It returns nil if that does not make it parse.
func (e *Engine) unfinished(code string) *program {
	o := openEnd([]byte(code))
	if o.mismatched || o.unterminated {
		return nil
	}
	closers := slices.Clone(o.closers)
	slices.Reverse(closers)
	for _, end := range []string{string(closers), "{}" + string(closers), " = 0" + string(closers), "; _ {}" + string(closers)} {
		if p, _ := check(token.NewFileSet(), "cell", code+end, e.bound, e.scope); p != nil {
			return p
		}
	}
	return nil
}

type completer struct {
	engine  *Engine
	prefix  string
	seen    map[string]bool
	matches []engine.Match
}

func (c *completer) add(text, kind string) {
	name := strings.TrimRight(text, ": ")
	if c.seen[text] || strings.Contains(text, support) || len(name) < len(c.prefix) || !strings.EqualFold(name[:len(c.prefix)], c.prefix) {
		return
	}
	c.seen[text] = true
	c.matches = append(c.matches, engine.Match{Text: text, Type: kind})
}

// sorted puts exact prefixes and fields first.
func (c *completer) sorted() []engine.Match {
	rank := func(m engine.Match) int {
		r := map[string]int{"field": 0, "keyword": 2}[m.Type]
		if r == 0 && m.Type != "field" {
			r = 1
		}
		if !strings.HasPrefix(m.Text, c.prefix) {
			r += 10
		}
		return r
	}
	slices.SortStableFunc(c.matches, func(a, b engine.Match) int {
		return cmp.Or(rank(a)-rank(b), cmp.Compare(a.Text, b.Text))
	})
	return c.matches
}

func kindOf(o types.Object) string {
	switch o := o.(type) {
	case *types.Func, *types.Builtin:
		return "function"
	case *types.TypeName:
		return "type"
	case *types.PkgName:
		return "package"
	case *types.Var:
		if o.IsField() {
			return "field"
		}
	}
	return "variable"
}

// propose finds the placeholder in p and adds what can stand there.
func (c *completer) propose(p *program) {
	for _, s := range p.segments {
		for _, i := range s.items {
			ast.PreorderStack(i.node, nil, func(n ast.Node, stack []ast.Node) bool {
				id, ok := n.(*ast.Ident)
				if !ok || !strings.HasSuffix(id.Name, placeholder) || len(stack) == 0 {
					return true
				}
				if sel, ok := stack[len(stack)-1].(*ast.SelectorExpr); ok && sel.Sel == id {
					c.members(s, sel.X)
					return false
				}
				c.fields(s, id, stack)
				c.names(s, stack, id.Pos())
				return false
			})
		}
	}
}

// members adds what can stand after x and a dot.
func (c *completer) members(s *checked, x ast.Expr) {
	if id, ok := x.(*ast.Ident); ok {
		o, known := s.info.Uses[id]
		if name, ok := o.(*types.PkgName); ok {
			c.exported(name.Imported())
			return
		}
		if !known || o == nil {
			c.unimported(id.Name)
			return
		}
	}
	t := s.info.Types[x].Type
	if t == nil {
		return
	}
	c.fieldsOf(t, map[types.Type]bool{}, func(f *types.Var) { c.add(f.Name(), "field") })
	base := t
	if _, ok := types.Unalias(t).(*types.Pointer); !ok && !types.IsInterface(t) {
		base = types.NewPointer(t)
	}
	for m := range types.NewMethodSet(base).Methods() {
		if m.Obj().Exported() || m.Obj().Pkg() == s.pkg {
			c.add(m.Obj().Name(), "function")
		}
	}
}

// fieldsOf visits the fields of t that a selector finds.
func (c *completer) fieldsOf(t types.Type, seen map[types.Type]bool, visit func(*types.Var)) {
	if p, ok := types.Unalias(t).Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	st, ok := t.Underlying().(*types.Struct)
	if !ok || seen[t] {
		return
	}
	seen[t] = true
	for f := range st.Fields() {
		if f.Exported() || f.Pkg() == c.engine.scope.pkg {
			visit(f)
		}
	}
	for f := range st.Fields() {
		if f.Embedded() {
			c.fieldsOf(f.Type(), seen, visit)
		}
	}
}

func (c *completer) exported(p *types.Package) {
	for _, name := range p.Scope().Names() {
		if token.IsExported(name) {
			c.add(name, kindOf(p.Scope().Lookup(name)))
		}
	}
}

// unimported adds the members of bound packages called name.
func (c *completer) unimported(name string) {
	for _, p := range c.engine.bound.library.Paths() {
		if path.Base(p) == name || strings.HasPrefix(path.Base(p), "v") && path.Base(path.Dir(p)) == name {
			if pkg, err := c.engine.bound.Import(p); err == nil {
				c.exported(pkg)
			}
		}
	}
}

// fields adds the fields that a struct literal does not set yet, if id stands
// for an element of one.
func (c *completer) fields(s *checked, id *ast.Ident, stack []ast.Node) {
	lit, ok := stack[len(stack)-1].(*ast.CompositeLit)
	if !ok || lit.Type == id {
		return
	}
	t := s.info.Types[lit].Type
	if t == nil {
		return
	}
	st, ok := t.Underlying().(*types.Struct)
	if !ok {
		return
	}
	set := map[string]bool{}
	for _, e := range lit.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if k, ok := kv.Key.(*ast.Ident); ok {
				set[k.Name] = true
			}
		}
	}
	for f := range st.Fields() {
		if !set[f.Name()] && (f.Exported() || f.Pkg() == s.pkg) {
			c.add(f.Name()+": ", "field")
		}
	}
}

// names adds what is in scope at pos, and what could be.
func (c *completer) names(s *checked, stack []ast.Node, pos token.Pos) {
	for _, n := range stack {
		if f, ok := n.(*ast.FuncDecl); ok {
			n = f.Type
		} else if f, ok := n.(*ast.FuncLit); ok {
			n = f.Type
		}
		if sc := s.info.Scopes[n]; sc != nil {
			for _, name := range sc.Names() {
				if o := sc.Lookup(name); o.Pos() < pos {
					c.add(name, kindOf(o))
				}
			}
		}
	}
	if s != nil {
		for name := range s.names {
			if o := s.decls.Lookup(name); o != nil {
				c.add(name, kindOf(o))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.engine.scope.objects)) {
		c.add(name, kindOf(c.engine.scope.objects[name]))
	}
	for name := range c.engine.scope.imports {
		c.add(name, "package")
	}
	for _, name := range types.Universe.Names() {
		c.add(name, kindOf(types.Universe.Lookup(name)))
	}
	for t := token.BREAK; t <= token.VAR; t++ {
		c.add(t.String(), "keyword")
	}
	if c.prefix != "" {
		for _, p := range c.engine.bound.library.Paths() {
			c.add(path.Base(p), "package")
		}
	}
}
