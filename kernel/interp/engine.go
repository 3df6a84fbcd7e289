package interp

import (
	"context"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/cosmos72/gomacro/ast2"
	"github.com/cosmos72/gomacro/base"
	"github.com/cosmos72/gomacro/fast"

	"sslnotes/kernel/engine"
)

// grace is how long a cell that was told to stop may take before Eval leaves
// it behind.
const grace = time.Second

// An Engine interprets cells. It satisfies engine.Engine.
type Engine struct {
	interp  *fast.Interp
	bound   *bound
	fset    *token.FileSet
	sources map[string]string // cells by name, for tracebacks
	scope   scope
	names   *names
	adopt   *fast.Expr
	cells   int
	running atomic.Pointer[fast.Run]
	stopped atomic.Bool

	converters map[proxyKey]string
	proxies    []*proxyMaker // whose methods are not compiled yet
}

var _ engine.Engine = (*Engine)(nil)

// New returns an engine with nothing declared. There may be one per process:
// the interpreter's packages, and the hooks of its helpers, are global.
func New() *Engine {
	// The interpreter reads export data where it finds any, of a format that it
	// does not know; where it finds none it is content with reflection.
	build.Default.GOROOT = "/nonexistent"
	bindSupport()
	bindScan()
	e := &Engine{interp: fast.New(), bound: newBound(), fset: token.NewFileSet(),
		sources: map[string]string{}, scope: newScope(), names: newNames(), converters: map[proxyKey]string{}}
	e.interp.Comp.Options = 0
	e.interp.Comp.Stdout, e.interp.Comp.Stderr = io.Discard, io.Discard
	e.interp.ImportPackage(support, support)
	x, err := parser.ParseExpr("func() { " + support + ".Attach(Interp()) }()")
	if err != nil {
		panic(err)
	}
	e.adopt = e.interp.CompileAst(ast2.ToAst(x))
	return e
}

// Eval runs a cell.
func (e *Engine) Eval(ctx context.Context, code string) (engine.Result, error) {
	e.cells++
	name := fmt.Sprintf("cell %d", e.cells)
	e.sources[name] = code
	p, err := check(e.fset, name, code, e.bound, e.scope)
	if err != nil {
		return engine.Result{}, err
	}
	steps, err := e.compile(p)
	if err != nil {
		return engine.Result{}, err
	}
	return e.run(ctx, p, steps)
}

// Interrupt asks the running cell to stop.
func (e *Engine) Interrupt() {
	e.stopped.Store(true)
	if run := e.running.Load(); run != nil {
		run.Signals.Async = base.SigInterrupt
	}
}

// run runs the steps of p in a goroutine of their own, since a cell may block
// for good or end its goroutine.
func (e *Engine) run(ctx context.Context, p *program, steps []*step) (engine.Result, error) {
	x := &execution{engine: e, ctx: ctx, program: p, done: make(chan struct{})}
	e.stopped.Store(false)
	cellContext = ctx
	go x.run(steps)
	select {
	case <-x.done:
		return x.result, x.err
	case <-ctx.Done():
	}
	for end := time.After(grace); ; {
		e.Interrupt()
		select {
		case <-x.done:
			return x.result, interrupted(x.err)
		case <-end:
			x.left.Store(true)
			return engine.Result{}, engine.NewError(engine.Interrupted, "the cell did not stop and is left running in the background")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// interrupted makes of what a stopped cell failed with the one kind of error.
func interrupted(err error) error {
	e, ok := err.(*engine.Error)
	if !ok || e.Name == engine.Interrupted {
		return err
	}
	return engine.NewError(engine.Interrupted, "the cell was stopped", e.Traceback...)
}

// compile gives all of a cell to the interpreter before anything of it runs.
func (e *Engine) compile(p *program) (steps []*step, err error) {
	defer func() {
		if r := recover(); r != nil {
			e.proxies = nil
			steps, err = nil, e.unsupported(p, r)
		}
	}()
	before := e.scope.clone()
	for _, c := range p.segments {
		for _, name := range slices.Sorted(maps.Keys(c.names)) {
			if o := c.decls.Lookup(name); o != nil {
				e.names.give(o, before.objects[name])
			}
		}
		for _, i := range c.items {
			before.add(i, c.decls, c.info)
		}
		r := &rewriter{engine: e, checked: c, names: e.names, imports: map[string]bool{}, unlabel: map[*ast.LabeledStmt]bool{}}
		for _, u := range c.order() {
			s, err := e.compileUnit(p, r, u)
			if err != nil {
				return nil, err
			}
			steps = append(steps, s...)
		}
	}
	e.finishProxies()
	return steps, nil
}

func (e *Engine) compileUnit(p *program, r *rewriter, u unit) ([]*step, error) {
	var steps []*step
	var typeSpecs []ast.Spec
	for _, i := range u.items {
		s := newStep(i, r.checked, e.names)
		r.item(i)
		steps = append(steps, s)
	}
	e.importAll(r.imports)
	if u.cycle {
		for _, s := range steps {
			switch d := s.item.node.(type) {
			case *ast.FuncDecl: // a stub, so that the others find it
				stub := *d
				stub.Body = nil
				if x := e.interp.CompileAst(ast2.ToAst(&ast.DeclStmt{Decl: &stub})); x != nil {
					e.interp.PrepareEnv()
				}
			case *ast.GenDecl:
				if d.Tok == token.TYPE {
					typeSpecs = append(typeSpecs, d.Specs...)
				}
			}
		}
	}
	if len(typeSpecs) > 0 {
		e.declareTypes(&ast.GenDecl{Tok: token.TYPE, TokPos: steps[0].pos, Lparen: steps[0].pos, Specs: typeSpecs})
	}
	for _, s := range steps {
		if g, ok := s.item.node.(*ast.GenDecl); ok && g.Tok == token.TYPE && len(typeSpecs) > 0 {
			continue
		}
		s.compile(e)
	}
	return steps, nil
}

// declareTypes compiles a declaration of types.
func (e *Engine) declareTypes(d *ast.GenDecl) {
	if e.declareRecursive(d) {
		return
	}
	e.interp.CompileAst(ast2.ToAst(&ast.DeclStmt{Decl: d}))
}

// declareRecursive compiles a declaration of types that mention themselves, and
// reports whether it could.
func (e *Engine) declareRecursive(d *ast.GenDecl) (ok bool) {
	k := newKnot(e.interp.Comp, d.Specs)
	if k == nil {
		return false
	}
	defer func() {
		if recover() != nil || !ok {
			ok = false
			for _, x := range k.declared {
				delete(e.interp.Comp.Types, x.Name())
			}
		}
	}()
	e.interp.CompileAst(ast2.ToAst(&ast.DeclStmt{Decl: d}))
	return k.tie()
}

func (e *Engine) importAll(paths map[string]bool) {
	for path := range paths {
		if _, err := e.bound.Import(path); err == nil {
			e.interp.ImportPackage(fast.PackageName(packageAlias(path)), path)
			settle(e.interp.Comp.Universe)
		}
		delete(paths, path)
	}
}

// unsupported turns a complaint of the interpreter, about what the checker
// found correct, into an error that says so.
func (e *Engine) unsupported(p *program, complaint any) *engine.Error {
	return engine.NewError("unsupported", fmt.Sprintf("the interpreter cannot run this: %v", complaint))
}

// commit makes what an item declared known to later cells.
func (e *Engine) commit(s *step) {
	if s.item.imports {
		e.scope.add(s.item, s.checked.decls, s.checked.info)
	}
	e.scope.declare(s.names, s.checked.decls)
	maps.DeleteFunc(e.scope.objects, func(name string, _ types.Object) bool {
		return len(name) > len(support) && name[:len(support)] == support
	})
}
