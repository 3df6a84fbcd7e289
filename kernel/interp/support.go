package interp

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"sync"

	"github.com/cosmos72/gomacro/base"
	"github.com/cosmos72/gomacro/fast"
	"github.com/cosmos72/gomacro/imports"
	"github.com/cosmos72/gomacro/xreflect"

	"sslnotes/kernel/display"
	"sslnotes/kernel/symbols"
)

// bindScan lets fmt.Scan and its like ask at the front end: a session's own
// standard input is empty.
func bindScan() {
	symbols.Library{}.Load("fmt")
	in, binds := &display.InputReader{}, imports.Packages["fmt"].Binds
	binds["Scan"] = reflect.ValueOf(func(a ...any) (int, error) { return fmt.Fscan(in, a...) })
	binds["Scanln"] = reflect.ValueOf(func(a ...any) (int, error) { return fmt.Fscanln(in, a...) })
	binds["Scanf"] = reflect.ValueOf(func(format string, a ...any) (int, error) { return fmt.Fscanf(in, format, a...) })
}

// bindSupport binds the helpers that rewritten cells call.
func bindSupport() {
	binds := map[string]reflect.Value{
		"Clear":    reflect.ValueOf(func(x any) { reflect.ValueOf(x).Clear() }),
		"Stringer": reflect.ValueOf(newStringer),
		"Held":     reflect.ValueOf(held),
		"Error":    reflect.ValueOf(func(err error) any { return err }),
		"String":   reflect.ValueOf(func(s fmt.Stringer) any { return s }),
		"TypeOf":   reflect.ValueOf(typeOf),
		"As":       reflect.ValueOf(as),
		"Rich":     reflect.ValueOf(newRich),
		"Defer":    reflect.ValueOf(deferred.push),
		"Shell":    reflect.ValueOf(shell),
		"Block":    reflect.ValueOf(blockForGood),
		"Attach":   reflect.ValueOf(attach),
	}
	bindMinMax[int](binds)
	bindMinMax[int8](binds)
	bindMinMax[int16](binds)
	bindMinMax[int32](binds)
	bindMinMax[int64](binds)
	bindMinMax[uint](binds)
	bindMinMax[uint8](binds)
	bindMinMax[uint16](binds)
	bindMinMax[uint32](binds)
	bindMinMax[uint64](binds)
	bindMinMax[uintptr](binds)
	bindMinMax[float32](binds)
	bindMinMax[float64](binds)
	bindMinMax[string](binds)
	imports.Packages[support] = imports.Package{Name: support, Binds: binds, Types: map[string]reflect.Type{}, Proxies: map[string]reflect.Type{}}
}

func bindMinMax[T cmp.Ordered](binds map[string]reflect.Value) {
	name := reflect.TypeFor[T]().Name()
	binds["Min_"+name] = reflect.ValueOf(func(x T, more ...T) T {
		for _, y := range more {
			x = min(x, y)
		}
		return x
	})
	binds["Max_"+name] = reflect.ValueOf(func(x T, more ...T) T {
		for _, y := range more {
			x = max(x, y)
		}
		return x
	})
}

// A stringer prints as a value whose String or Error method only the
// interpreter knows.
type stringer struct {
	value any
	show  func() string
}

func newStringer(value any, show func() string) any { return stringer{value, show} }

// Format calls the method for the verbs for which fmt would.
func (s stringer) Format(f fmt.State, verb rune) {
	if strings.ContainsRune("vsxXq", verb) && !f.Flag('#') {
		format := strings.Replace(fmt.FormatString(f, verb), "+v", "v", 1)
		fmt.Fprintf(f, format[:len(format)-1]+strings.Replace(string(verb), "v", "s", 1), s.String())
		return
	}
	fmt.Fprintf(f, fmt.FormatString(f, verb), s.value)
}

// Text makes a stringer that is a cell's value show itself.
func (s stringer) Text() string { return s.String() }

func (s stringer) String() (text string) {
	v := reflect.ValueOf(s.value)
	if v.Kind() == reflect.Pointer && v.IsNil() {
		defer func() {
			if recover() != nil {
				text = "<nil>"
			}
		}()
	}
	return s.show()
}

// held returns what an interface that a cell declared holds, so that it prints
// as it would by itself.
func held(value any) any {
	v := reflect.ValueOf(value)
	switch {
	case v.Kind() == reflect.Slice && !v.IsNil():
		all := make([]any, v.Len())
		for i := range all {
			all[i] = held(v.Index(i).Interface())
		}
		return all
	case v.Kind() == reflect.Map && !v.IsNil():
		all := reflect.MakeMap(reflect.MapOf(v.Type().Key(), reflect.TypeFor[any]()))
		for k, e := range v.Seq2() {
			if h := held(e.Interface()); h != nil {
				e = reflect.ValueOf(h)
			}
			all.SetMapIndex(k, e)
		}
		return all.Interface()
	}
	value, t := takeOut(value)
	if t == nil {
		return value
	}
	for _, name := range []string{"Error", "String"} {
		if show := methodOf(value, t, name); show != nil {
			return newStringer(value, show)
		}
	}
	return value
}

// kept returns what value keeps for the interface that it is.
func kept(value any) (h xreflect.InterfaceHeader, ok bool) {
	v := reflect.ValueOf(value)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct || v.Elem().NumField() == 0 || !v.Elem().Field(0).CanInterface() {
		return h, false
	}
	h, ok = v.Elem().Field(0).Interface().(xreflect.InterfaceHeader)
	return h, ok && h.Value().IsValid()
}

// methodOf returns the method func() string of value, whose type is t and which
// a cell declared, or nil.
func methodOf(value any, t xreflect.Type, name string) func() string {
	named := t
	if t.Kind() == reflect.Pointer {
		named = t.Elem()
	}
	m, n := named.MethodByName(name, "")
	if n != 1 || m.Funs == nil || len(m.FieldIndex) > 0 || m.Type.NumIn() != 1 || m.Type.NumOut() != 1 || m.Type.Out(0).Kind() != reflect.String {
		return nil
	}
	call, v := (*m.Funs)[m.Index], reflect.ValueOf(value)
	if v.Kind() == reflect.Pointer && !v.IsNil() && call.Type().In(0) == v.Type().Elem() {
		v = v.Elem()
	}
	if call.IsNil() || call.Type().In(0) != v.Type() {
		return nil
	}
	return func() string { return call.Call([]reflect.Value{v})[0].String() }
}

// newRich renders a value by the display methods that only the interpreter
// knows; methods maps their names to them.
func newRich(value any, methods map[string]any) any {
	b := display.Bundle{display.MimeText: display.Text(value)}
	for name, method := range methods {
		switch m := method.(type) {
		case func() string:
			if mime, ok := richText[name]; ok {
				b[mime] = m()
			}
		case func() []byte:
			b[richBytes[name]] = base64.StdEncoding.EncodeToString(m())
		case func() map[string]any:
			b[display.MimeJSON] = m()
		}
	}
	return b
}

var (
	richText = map[string]string{"HTML": display.MimeHTML, "Markdown": display.MimeMarkdown, "Latex": display.MimeLatex,
		"JavaScript": display.MimeScript, "SVG": display.MimeSVG, "String": display.MimeText, "Error": display.MimeText, "Text": display.MimeText}
	richBytes = map[string]string{"PNG": display.MimePNG, "JPEG": display.MimeJPEG}
)

// deferred holds what the running cell deferred at its top level.
var deferred deferStack

type deferStack struct {
	mu    sync.Mutex
	calls []func()
}

func (d *deferStack) push(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, f)
}

// pop returns the last call pushed, or nil.
func (d *deferStack) pop() func() {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := len(d.calls)
	if n == 0 {
		return nil
	}
	f := d.calls[n-1]
	d.calls = d.calls[:n-1]
	return f
}

// cellContext ends when the running cell is to stop.
var cellContext = context.Background()

// blockForGood is select {}.
func blockForGood() {
	<-cellContext.Done()
	panic(base.SigInterrupt)
}

// shell runs a $ line. A command that fails fails the cell.
func shell(command string) error {
	cmd := exec.CommandContext(cellContext, "/bin/sh", "-c", command)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	endWithChildren(cmd)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("$%s: %w", command, err)
	}
	return nil
}

// attached is the interpreter's state for the goroutine that called attach
// last.
var attached *fast.Run

func attach(interp any) { attached = interp.(*fast.Interp).PrepareEnv().Run }
