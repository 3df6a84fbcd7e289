package interp

import (
	"errors"
	"fmt"
	"go/ast"
	"go/scanner"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"sslnotes/kernel/engine"
)

// A program is a cell that the type checker has seen.
type program struct {
	name     string // of the cell, in positions
	src      string
	fset     *token.FileSet
	bound    *bound
	items    []*item
	segments []*checked
	after    scope // what is declared once it has run
}

// A checked segment carries what the checker found out.
type checked struct {
	*segment
	pkg   *types.Package
	decls *types.Scope // the package's while it was this segment's
	info  *types.Info
}

// check parses and checks a cell; the error is what gc would say, an
// *engine.Error.
func check(fset *token.FileSet, name, src string, b *bound, before scope) (*program, error) {
	p := &program{name: name, src: src, fset: fset, bound: b, after: before.clone()}
	p.items = split([]byte(src))
	if n := len(p.items); n > 0 {
		p.items[n-1].last = true
	}
	if _, err := parse(fset, name, []byte(src), p.items); err != nil {
		if magic(src) {
			return nil, p.located([]string{noMagics}, []token.Position{{Line: 1, Column: 1}})
		}
		return nil, p.syntaxError(err)
	}
	var found []types.Error
	for _, s := range segments(p.items, before) {
		c := &checked{segment: s}
		found = append(found, c.check(p)...)
		p.segments = append(p.segments, c)
		for _, i := range s.items {
			p.after.add(i, c.decls, c.info)
		}
	}
	if len(found) > 0 {
		if magic(src) {
			return p, p.located([]string{noMagics}, []token.Position{{Line: 1, Column: 1}})
		}
		return p, p.compileError(found)
	}
	p.markUnread()
	return p, nil
}

const noMagics = "cells are Go and have no lines that begin with % or !; a line that begins with $ runs a command, as in $ls"

// magic reports whether src begins as IPython's commands do, and not as Go does.
func magic(src string) bool {
	first, _, _ := strings.Cut(strings.TrimSpace(src), "\n")
	return strings.HasPrefix(first, "%") || strings.HasPrefix(first, "!") && !strings.ContainsAny(first, "({=|&")
}

// check checks one segment on top of p.after.
func (c *checked) check(p *program) []types.Error {
	var found []types.Error
	for _, i := range c.items {
		found = append(found, p.unknownImports(i)...)
	}
	if len(found) > 0 {
		c.pkg, c.decls, c.info = p.after.pkg, types.NewScope(nil, 0, 0, ""), &types.Info{}
		return found
	}
	hidden := map[string]bool{}
	for name := range c.names {
		hidden[name] = true
	}
	file := &ast.File{Name: ast.NewIdent("main")}
	for _, i := range c.items {
		file.Decls = append(file.Decls, c.addMethod(p, i, &found))
		if i.imports {
			for name := range p.importNames(i) {
				hidden[name] = true
			}
		}
	}
	p.after.reset(p.bound, hidden)
	c.pkg, c.decls = p.after.pkg, p.after.pkg.Scope()
	c.info = &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
		Implicits: map[ast.Node]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{}, Instances: map[*ast.Ident]types.Instance{}, Scopes: map[ast.Node]*types.Scope{},
	}
	conf := types.Config{Importer: p.bound, Error: func(err error) {
		if e, ok := err.(types.Error); ok && !c.allowed(e) {
			e.Msg = c.reworded(e)
			found = append(found, e)
		}
	}}
	types.NewChecker(&conf, p.fset, c.pkg, c.info).Files([]*ast.File{file})
	found = append(found, c.unsupported(p.fset)...)
	return append(found, c.misplaced(p.fset)...)
}

// reworded says of x := f() what gc says; the checker, which sees a package's
// variable, has other words for it.
func (c *checked) reworded(e types.Error) string {
	for _, i := range c.items {
		g, ok := i.node.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR || !strings.HasPrefix(e.Msg, "multiple-value") {
			continue
		}
		spec := g.Specs[0].(*ast.ValueSpec)
		if len(spec.Values) != 1 || spec.Values[0].Pos() != e.Pos {
			continue
		}
		if call, ok := ast.Unparen(spec.Values[0]).(*ast.CallExpr); ok {
			if results, ok := c.info.Types[call].Type.(*types.Tuple); ok {
				return fmt.Sprintf("assignment mismatch: 1 variable but %s returns %d values", types.ExprString(call.Fun), results.Len())
			}
		}
	}
	return e.Msg
}

// allowed reports whether cells may do what Go forbids: leave imports and
// variables unused, and write an expression for a statement.
func (c *checked) allowed(e types.Error) bool {
	if e.Soft && (strings.Contains(e.Msg, "declared and not used") || strings.Contains(e.Msg, "imported and not used") ||
		strings.Contains(e.Msg, "imported as") && strings.Contains(e.Msg, "and not used")) {
		return true
	}
	if strings.HasPrefix(e.Msg, "too many return values") { // unsupported says more
		return slices.ContainsFunc(c.items, func(i *item) bool {
			return slices.ContainsFunc(returns(i), func(r *ast.ReturnStmt) bool { return r.Pos() <= e.Pos && e.Pos < r.End() })
		})
	}
	if !strings.HasSuffix(e.Msg, "is not used") {
		return false
	}
	return slices.ContainsFunc(c.items, func(i *item) bool {
		x, ok := i.statement().(*ast.ExprStmt)
		return ok && x.Pos() <= e.Pos && e.Pos < x.End()
	})
}

// misplaced finds what runs before the variable that it needs is declared. The
// checker does not, since a package's variables have no order.
func (c *checked) misplaced(fset *token.FileSet) []types.Error {
	place := map[types.Object]int{}
	for k, i := range c.items {
		for _, name := range declared(i.node) {
			if o := c.decls.Lookup(name); !hoisted(i) && o != nil {
				place[o] = k
			}
		}
	}
	var found []types.Error
	for k, i := range c.items {
		if hoisted(i) {
			continue
		}
		ast.Inspect(i.node, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				if at, ok := place[c.info.Uses[id]]; ok && at > k {
					found = append(found, types.Error{Fset: fset, Pos: id.Pos(), Msg: "undefined: " + id.Name + " (it is declared further down)"})
				}
			}
			return true
		})
	}
	return found
}

// unknownImports finds the imports of i that are not bound.
func (p *program) unknownImports(i *item) []types.Error {
	var found []types.Error
	if !i.imports {
		return nil
	}
	for _, spec := range i.node.(*ast.GenDecl).Specs {
		spec := spec.(*ast.ImportSpec)
		if _, err := p.bound.Import(strings.Trim(spec.Path.Value, "`\"")); err != nil {
			found = append(found, types.Error{Fset: p.fset, Pos: spec.Path.Pos(), Msg: err.Error()})
		}
	}
	return found
}

// importNames lists the names under which i imports.
func (p *program) importNames(i *item) map[string]bool {
	names := map[string]bool{}
	for _, spec := range i.node.(*ast.GenDecl).Specs {
		spec := spec.(*ast.ImportSpec)
		if spec.Name != nil {
			names[spec.Name.Name] = true
		} else if pkg, err := p.bound.Import(strings.Trim(spec.Path.Value, "`\"")); err == nil {
			names[pkg.Name()] = true
		}
	}
	return names
}

// compileErrorName is the Name of errors found before anything ran.
const compileErrorName = "compile error"

// maxErrors is how many errors a cell shows, as gc does.
const maxErrors = 10

func (p *program) compileError(found []types.Error) *engine.Error {
	slices.SortStableFunc(found, func(a, b types.Error) int {
		x, y := p.fset.Position(a.Pos), p.fset.Position(b.Pos)
		return 10000*(x.Line-y.Line) + x.Column - y.Column
	})
	var messages []string
	var places []token.Position
	for _, e := range found {
		at := p.fset.Position(e.Pos)
		messages = append(messages, e.Msg)
		places = append(places, at)
	}
	return p.located(messages, places)
}

func (p *program) syntaxError(err error) *engine.Error {
	var list scanner.ErrorList
	if !errors.As(err, &list) {
		return engine.NewError(compileErrorName, err.Error())
	}
	list.RemoveMultiples()
	var messages []string
	var places []token.Position
	last := 1 + strings.Count(strings.TrimRight(p.src, "\n"), "\n")
	for _, e := range list {
		if e.Pos.Line > last || e.Pos.Filename != p.name {
			e.Pos.Line, e.Pos.Column, e.Msg = last, 1, "unexpected end of the cell: "+e.Msg
		}
		messages = append(messages, "syntax error: "+e.Msg)
		places = append(places, e.Pos)
	}
	return p.located(messages, places)
}

// located makes one error of several, each with its line and a caret.
func (p *program) located(messages []string, places []token.Position) *engine.Error {
	lines := strings.Split(p.src, "\n")
	var short, trace []string
	for k, m := range messages {
		at := places[k]
		text := fmt.Sprintf("%d:%d: %s", at.Line, at.Column, strings.ReplaceAll(m, "\n\t", " "))
		if slices.Contains(short, text) {
			continue
		}
		if len(short) == maxErrors {
			short, trace = append(short, "too many errors"), append(trace, "too many errors")
			break
		}
		short, trace = append(short, text), append(trace, text)
		if at.Line >= 1 && at.Line <= len(lines) {
			trace = append(trace, quote(lines[at.Line-1], at.Column)...)
		}
	}
	e := engine.NewError(compileErrorName, strings.Join(short, "\n"))
	e.Traceback = append([]string{compileErrorName + ": " + short[0]}, trace[1:]...)
	return e
}

// quote shows a source line and, under it, its column.
func quote(line string, column int) []string {
	indent := []byte(line[:min(max(column-1, 0), len(line))])
	for k, c := range indent {
		if c != '\t' {
			indent[k] = ' '
		}
	}
	return []string{"    " + line, "    " + string(indent) + "^"}
}
