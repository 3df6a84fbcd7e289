package interp

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"go/types"
	"strings"
)

// An item is one declaration or statement that stands at a cell's top level.
type item struct {
	start, end int // bytes of the cell
	decl       bool
	imports    bool
	shell      bool
	last       bool           // whether its value is the cell's
	unread     []types.Object // error variables that nothing reads once it has set them
	node       ast.Decl       // set by parse; a statement is the body of a function
}

// statement returns the statement that the item is, or nil.
func (i *item) statement() ast.Stmt {
	if f, ok := i.node.(*ast.FuncDecl); ok && !i.decl && len(f.Body.List) > 0 {
		return f.Body.List[0]
	}
	return nil
}

// split cuts a cell into items. It never fails: what is not Go the parser will
// refuse, with a better message.
func split(src []byte) []*item {
	var items []*item
	for at := 0; at < len(src); {
		next, end := scanItem(src, at)
		if next != nil {
			items = append(items, next)
		}
		at = end
	}
	return items
}

// scanItem reads one item from offset at; end is where to go on.
func scanItem(src []byte, at int) (i *item, end int) {
	file := token.NewFileSet().AddFile("", -1, len(src)-at)
	var s scanner.Scanner
	s.Init(file, src[at:], func(token.Position, string) {}, 0)
	var toks []token.Token
	depth := 0
	var h header
	for {
		pos, tok, lit := s.Scan()
		offset := at + file.Offset(pos)
		inHeader := depth == 0 && h.open(tok)
		if tok == token.EOF || tok == token.SEMICOLON && depth <= 0 && !(inHeader && lit == ";") {
			end := len(src)
			if tok == token.SEMICOLON {
				end = min(offset+1, len(src))
			}
			return finish(i, toks, min(offset, len(src))), end
		}
		if i == nil {
			i = &item{start: offset}
			if tok == token.ILLEGAL && lit == "$" {
				i.shell = true
				i.end = offset + lineLength(src[offset:])
				return i, i.end
			}
		}
		if len(toks) < 64 || depth == 0 {
			toks = append(toks, tok)
		}
		switch tok {
		case token.LPAREN, token.LBRACK, token.LBRACE:
			depth++
		case token.RPAREN, token.RBRACK, token.RBRACE:
			depth--
		}
	}
}

// A header is what stands between for, if or switch and its block; semicolons
// in it end nothing.
type header struct {
	within   bool
	literals int // function literals whose block is still to come
}

// open takes the next token at the top level and reports whether it stands in
// a header.
func (h *header) open(tok token.Token) bool {
	switch {
	case tok == token.FOR || tok == token.IF || tok == token.SWITCH:
		h.within = true
	case h.within && tok == token.FUNC:
		h.literals++
	case h.within && tok == token.LBRACE && h.literals > 0:
		h.literals--
	case tok == token.LBRACE:
		h.within = false
	}
	return h.within
}

func lineLength(b []byte) int {
	if n := bytes.IndexByte(b, '\n'); n >= 0 {
		return n
	}
	return len(b)
}

// finish decides from its tokens what the item is; a package clause is none.
func finish(i *item, toks []token.Token, end int) *item {
	if i == nil || toks[0] == token.PACKAGE {
		return nil
	}
	i.end = end
	switch toks[0] {
	case token.IMPORT:
		i.decl, i.imports = true, true
	case token.CONST, token.VAR, token.TYPE:
		i.decl = true
	case token.FUNC:
		i.decl = isFuncDecl(toks)
	}
	return i
}

// isFuncDecl tells func f() and func (r T) f() from a function literal.
func isFuncDecl(toks []token.Token) bool {
	if len(toks) < 2 || toks[1] == token.IDENT {
		return len(toks) > 1
	}
	depth := 0
	for k, t := range toks[1:] {
		switch t {
		case token.LPAREN:
			depth++
		case token.RPAREN:
			depth--
		}
		if depth == 0 {
			rest := toks[k+2:]
			return len(rest) > 1 && rest[0] == token.IDENT && (rest[1] == token.LPAREN || rest[1] == token.LBRACK)
		}
	}
	return false
}

// parse parses the items of src together, as one file in which each statement
// is the body of a function of its own. Positions are the cell's: name:line:column.
func parse(fset *token.FileSet, name string, src []byte, items []*item) (*ast.File, error) {
	var text bytes.Buffer
	text.WriteString("package main\n")
	var order []*item
	for _, imports := range []bool{true, false} { // the parser wants imports first
		for _, i := range items {
			if i.imports == imports {
				order = append(order, i)
				writeItem(&text, name, src, i)
			}
		}
	}
	file, err := parser.ParseFile(fset, name, text.Bytes(), parser.SkipObjectResolution|parser.AllErrors)
	if err != nil {
		return file, err
	}
	if len(file.Decls) != len(order) {
		return nil, fmt.Errorf("an item of the cell does not end where it seems to")
	}
	for k, d := range file.Decls {
		order[k].node = d
		if f, ok := d.(*ast.FuncDecl); ok && !order[k].decl && (f.Recv != nil || len(f.Body.List) > 1) {
			return nil, fmt.Errorf("an item of the cell does not end where it seems to")
		}
	}
	return file, nil
}

func writeItem(text *bytes.Buffer, name string, src []byte, i *item) {
	line := 1 + bytes.Count(src[:i.start], []byte("\n"))
	column := i.start - bytes.LastIndexByte(src[:i.start], '\n')
	mark := fmt.Sprintf("/*line %s:%d:%d*/", name, line, column)
	switch {
	case i.shell:
		fmt.Fprintf(text, "func _() { %s%s.Shell(%q)\n}\n", mark, support, strings.TrimSpace(string(src[i.start+1:i.end])))
	case i.decl:
		fmt.Fprintf(text, "%s%s\n", mark, src[i.start:i.end])
	default:
		fmt.Fprintf(text, "func _() { %s%s\n}\n", mark, src[i.start:i.end])
	}
}
