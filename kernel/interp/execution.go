package interp

import (
	"context"
	"fmt"
	"go/token"
	"reflect"
	"strings"
	"sync/atomic"

	"github.com/cosmos72/gomacro/base"
	"github.com/cosmos72/gomacro/fast"
	xr "github.com/cosmos72/gomacro/xreflect"

	"sslnotes/kernel/engine"
)

// An execution is one run of a cell.
type execution struct {
	engine  *Engine
	ctx     context.Context
	program *program
	env     *fast.Env
	at      *step
	result  engine.Result
	err     error
	done    chan struct{}
	left    atomic.Bool // Eval no longer waits
}

// run runs the steps in order, then what they deferred.
func (x *execution) run(steps []*step) {
	returned := false
	defer func() {
		if !returned && x.err == nil {
			x.err = engine.NewError("runtime.Goexit", "the cell ended its goroutine")
		}
		x.engine.running.Store(nil)
		close(x.done)
	}()
	x.attach()
	for _, s := range steps {
		if x.err = x.step(s); x.err != nil {
			break
		}
	}
	for f := deferred.pop(); f != nil; f = deferred.pop() {
		if err := x.guard(f); err != nil && x.err == nil {
			x.err = err
		}
	}
	returned = true
}

// attach makes the interpreter run on this goroutine: it keeps state for each,
// among it where to look for an interrupt.
func (x *execution) attach() {
	e := x.engine
	e.interp.RunExpr(e.adopt)
	run := attached
	run.CurrEnv, run.DeferOfFun, run.PanicFun, run.Panic, run.ExecFlags, run.Interrupt = nil, nil, nil, nil, 0, nil
	x.env = e.interp.PrepareEnv()
	x.env.Run = run
	e.running.Store(run)
}

// step runs one item and looks at what it returned.
func (x *execution) step(s *step) error {
	if x.engine.stopped.Load() || x.ctx.Err() != nil || x.left.Load() {
		return engine.NewError(engine.Interrupted, "the cell was stopped")
	}
	x.at = s
	var values []xr.Value
	if s.expr != nil {
		if err := x.guard(func() { values = x.eval(s) }); err != nil {
			return err
		}
	}
	x.engine.commit(s)
	return x.judge(s, values)
}

func (x *execution) eval(s *step) []xr.Value {
	x.env = x.engine.interp.PrepareEnv()
	run := x.env.Run
	if s.expr.Untyped() {
		s.expr.ConstTo(s.expr.DefaultType())
	}
	x.env.IP, x.env.DebugPos = 0, []token.Pos{s.pos}
	run.CurrEnv = x.env
	v, vs := s.expr.AsXV(fast.COptKeepUntyped)(x.env)
	if vs == nil && s.expr.NumOut() == 1 {
		vs = []xr.Value{v}
	}
	if s.single && len(vs) > 1 {
		vs = vs[:1]
	}
	return vs
}

// guard runs f and turns a panic into the cell's error.
func (x *execution) guard(f func()) (err error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		if r := recover(); r != nil {
			if r == base.SigInterrupt {
				err = engine.NewError(engine.Interrupted, "the cell was stopped", x.frames()...)
				return
			}
			err = engine.NewError("panic", panicText(r), x.frames()...)
		}
	}()
	f()
	returned = true
	return nil
}

func panicText(r any) (text string) {
	defer func() {
		if again := recover(); again != nil {
			text = fmt.Sprintf("a value of type %T, which panics when printed", r)
		}
	}()
	if e, ok := r.(*reflect.ValueError); ok && e.Kind == reflect.Invalid {
		return "runtime error: invalid memory address or nil pointer dereference" // the interpreter reads fields by reflection
	}
	if s, ok := r.(string); ok && strings.HasPrefix(s, "reflect: ") && strings.HasSuffix(s, "index out of range") {
		return "runtime error: " + strings.TrimPrefix(s, "reflect: ")
	}
	return fmt.Sprint(r)
}

// judge applies the rules for errors, and keeps the value of the last item.
func (x *execution) judge(s *step, values []xr.Value) error {
	for _, name := range s.errors {
		if err := asError(x.engine.interp.ValueOf(name)); err != nil {
			return x.failed(err, s.pos)
		}
	}
	var shown []any
	for _, v := range values {
		if isErrorType(v) {
			if err := asError(v); err != nil {
				return x.failed(err, s.pos)
			}
			continue
		}
		if v.IsValid() && v.ReflectValue().CanInterface() {
			shown = append(shown, v.Interface())
		} else if !v.IsValid() {
			shown = append(shown, nil)
		}
	}
	if s.item.last && !s.print && len(shown) > 0 && s.item.statement() != nil {
		x.result = engine.Result{Value: shown[0], HasValue: true}
		if len(shown) > 1 {
			x.result.Value = Values(shown)
		}
	}
	return nil
}

// Values are the results of a call that returns several.
type Values []any

// Text writes the values on one line.
func (v Values) Text() string {
	text := fmt.Sprintln(v...)
	return text[:len(text)-1]
}

func isErrorType(v xr.Value) bool {
	return v.IsValid() && v.ReflectValue().Type() == reflect.TypeFor[error]()
}

func asError(v xr.Value) error {
	if !v.IsValid() || !v.ReflectValue().CanInterface() {
		return nil
	}
	err, _ := v.ReflectValue().Interface().(error)
	return err
}

// failed makes a cell's error of one that its code was given.
func (x *execution) failed(err error, pos token.Pos) error {
	return engine.NewError("error", panicText(err), x.place(pos, "")...)
}
