package interp

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"sslnotes/kernel/display"
	"sslnotes/kernel/engine"
)

// A session is cells run one after another in a fresh engine.
type session struct {
	name  string
	stock bool // whether it runs in stock gophernotes, too
	cells []cell
}

// A cell says what running it gives: a value as text, or an error whose
// "Name: Message" contains fails; trace, if set, must stand in the traceback.
type cell struct {
	code  string
	value string // "" stands for no value
	fails string
	trace string
	out   string // standard output, if not ""
}

func TestSessions(t *testing.T) {
	for _, s := range sessions {
		t.Run(s.name, func(t *testing.T) {
			e := New()
			for _, c := range s.cells {
				var result engine.Result
				var err error
				out := captured(t, func() { result, err = e.Eval(t.Context(), c.code) })
				compare(t, c, result, err, out)
			}
		})
	}
}

func compare(t *testing.T, c cell, result engine.Result, err error, out string) {
	t.Helper()
	if c.fails != "" {
		if err == nil {
			t.Errorf("%s\nran, want %q; value %v", c.code, c.fails, result.Value)
		} else if !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%s\ngave %q, want %q", c.code, err, c.fails)
		} else if trace := strings.Join(err.(*engine.Error).Traceback, "\n"); !strings.Contains(trace, c.trace) || strings.Contains(trace, "gomacro") {
			t.Errorf("%s\ntraceback %s, want %q", c.code, trace, c.trace)
		}
		return
	}
	if err != nil {
		t.Errorf("%s\nfailed: %s", c.code, strings.Join(err.(*engine.Error).Traceback, "\n"))
		return
	}
	text := ""
	if result.HasValue {
		text = fmt.Sprint(display.Render(result.Value)[display.MimeText])
	}
	if text != c.value {
		t.Errorf("%s\nis %q, want %q", c.code, text, c.value)
	}
	if c.out != "" && out != c.out {
		t.Errorf("%s\nprinted %q, want %q", c.code, out, c.out)
	}
}

// captured returns what f writes to standard output.
func captured(t *testing.T, f func()) string {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	old := os.Stdout
	os.Stdout = file
	f()
	os.Stdout = old
	out, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// Interrupting a cell leaves the session usable, whatever the cell is doing.
func TestInterrupt(t *testing.T) {
	for _, code := range []string{
		"for {}",
		"for { x++ }",
		"func() { for { x++ } }()",
		"<-make(chan int)",
		"select {}",
		`import "time"; time.Sleep(time.Hour)`,
		"f := func() { for i := 0; ; i++ { x += i } }; f()",
		"$sleep 1000",
	} {
		e := New()
		if _, err := e.Eval(t.Context(), "x := 1"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		_, err := e.Eval(ctx, code)
		cancel()
		if e, ok := err.(*engine.Error); !ok || e.Name != engine.Interrupted {
			t.Errorf("%s: %v", code, err)
		}
		if r, err := e.Eval(t.Context(), "2+3"); err != nil || r.Value != 5 {
			t.Errorf("after %s: %v %v", code, r.Value, err)
		}
	}
}

// FuzzEval feeds the parsing front: whatever the code, it answers.
func FuzzCheck(f *testing.F) {
	for _, s := range sessions {
		for _, c := range s.cells {
			f.Add(c.code)
		}
	}
	e := New()
	f.Fuzz(func(t *testing.T, code string) {
		check(e.fset, "cell", code, e.bound, e.scope)
		e.IsComplete(code)
		e.Complete(code, len(code)/2)
		e.Inspect(code, len(code)/2, 0)
	})
}
