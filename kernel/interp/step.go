package interp

import (
	"go/ast"
	"go/token"
	"go/types"

	"github.com/cosmos72/gomacro/ast2"
	"github.com/cosmos72/gomacro/fast"
)

// A step is an item ready to run, and what is to be looked at afterwards.
type step struct {
	item    *item
	checked *checked
	names   []string // declared, before the interpreter gave them others
	pos     token.Pos
	print   bool     // whether it is a call of fmt.Print or its like
	single  bool     // whether it is an expression of one value, though the interpreter may give v, ok
	errors  []string // variables of type error that nothing reads after the item set them
	expr    *fast.Expr
}

func newStep(i *item, c *checked, n *names) *step {
	s := &step{item: i, checked: c, names: declared(i.node), pos: i.node.Pos()}
	if stmt := i.statement(); stmt != nil {
		s.pos = stmt.Pos()
	}
	for _, o := range i.unread {
		s.errors = append(s.errors, n.of[o])
	}
	if x, ok := i.statement().(*ast.ExprStmt); ok {
		s.single = c.info.Types[x.X].IsValue() && !isTuple(c.info.Types[x.X].Type)
		if call, ok := ast.Unparen(x.X).(*ast.CallExpr); ok {
			s.print = isPrint(calleeOf(c.info, call))
		}
	}
	return s
}

func isTuple(t types.Type) bool {
	_, ok := t.(*types.Tuple)
	return ok
}

// isPrint reports whether nobody wants to see what o returns.
func isPrint(o types.Object) bool {
	if o == nil || o.Pkg() == nil || o.Pkg().Path() != "fmt" {
		return false
	}
	switch o.Name() {
	case "Print", "Printf", "Println", "Fprint", "Fprintf", "Fprintln":
		return true
	}
	return false
}

// compile hands the item to the interpreter.
func (s *step) compile(e *Engine) {
	if s.item.imports {
		return // done, under a name of ours, where the package is used
	}
	// In a statement, the interpreter takes a declaration as it stands.
	var node ast.Node = &ast.DeclStmt{Decl: s.item.node}
	if stmt := s.item.statement(); stmt != nil {
		node = stmt
		if x, ok := stmt.(*ast.ExprStmt); ok {
			node = x.X
		}
	} else if !s.item.decl {
		return // an empty statement
	}
	if d, ok := s.item.node.(*ast.GenDecl); ok && d.Tok == token.TYPE {
		e.declareTypes(d)
		return
	}
	s.expr = e.interp.CompileAst(ast2.ToAst(node))
}
