package interp

import (
	"fmt"
	"go/token"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/cosmos72/gomacro/fast"
)

// maxFrames bounds a traceback: a runaway recursion has a million.
const maxFrames = 24

// frames says where the running code is: the compiled functions that were
// called last, then the cells' lines, innermost first. It is called while a
// panic unwinds.
func (x *execution) frames() []string {
	lines := compiledFrames()
	run := x.env.Run
	seen := 0
	for env := run.CurrEnv; env != nil && seen < maxFrames; env = callerOf(env) {
		if pos := position(env); pos.IsValid() {
			lines = append(lines, x.place(pos, "")...)
			seen++
		}
	}
	if seen == 0 && x.at != nil {
		lines = append(lines, x.place(x.at.pos, "")...)
	}
	return lines
}

// callerOf returns where the function of env was called.
func callerOf(env *fast.Env) *fast.Env {
	for ; env != nil; env = env.Outer {
		if env.Caller != nil {
			return env.Caller
		}
	}
	return nil
}

func position(env *fast.Env) token.Pos {
	if env.IP >= 0 && env.IP < len(env.DebugPos) {
		return env.DebugPos[env.IP]
	}
	return token.NoPos
}

// place shows a line of a cell.
func (x *execution) place(pos token.Pos, prefix string) []string {
	at := x.engine.fset.Position(pos)
	src, ok := x.engine.sources[at.Filename]
	lines := strings.Split(src, "\n")
	if !ok || at.Line < 1 || at.Line > len(lines) {
		return nil
	}
	where := fmt.Sprintf("line %d:%d", at.Line, at.Column)
	if at.Filename != x.program.name {
		where = at.Filename + ", " + where
	}
	return append([]string{prefix + where}, quote(lines[at.Line-1], at.Column)...)
}

// compiledFrames lists the compiled functions between the panic and the
// interpreter.
func compiledFrames() []string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	var lines []string
	panicking := false
	for {
		f, more := frames.Next()
		if f.Function == "runtime.gopanic" || strings.HasPrefix(f.Function, "runtime.panic") || f.Function == "runtime.sigpanic" {
			panicking, lines = true, nil
		} else if panicking {
			if strings.HasPrefix(f.Function, "github.com/cosmos72/") || strings.HasPrefix(f.Function, "sslnotes/kernel/interp") {
				return lines
			}
			if !strings.HasPrefix(f.Function, "reflect.") && !strings.HasPrefix(f.Function, "runtime.") {
				lines = append(lines, fmt.Sprintf("%s (%s:%d)", f.Function, filepath.Base(f.File), f.Line))
			}
		}
		if !more {
			return nil
		}
	}
}
