package cli

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"sslnotes/internal/source"
	"sslnotes/tracker"
)

// moduleVariable tells the commands under test where this module is, whose
// files the program under test has embedded.
const moduleVariable = "SSLNOTES_TEST_MODULE"

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"sslnotes": func() { os.Exit(Main(module{os.DirFS(os.Getenv(moduleVariable))})) },
	})
}

// module is the folder of the module seen as what source.go embeds.
type module struct{ fs.FS }

// ReadDir leaves out all that is not embedded.
func (m module) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(m.FS, name)
	if name != "." {
		return all, err
	}
	keep := strings.Fields("go.mod go.sum main.go source.go internal kernel notebooks plots sslkit tracker")
	return slices.DeleteFunc(all, func(d fs.DirEntry) bool { return !slices.Contains(keep, d.Name()) }), err
}

func TestScripts(t *testing.T) {
	testscript.Run(t, scripts(t, testscript.Params{Dir: "testdata/script"}))
}

// scripts adds to p what every script of this package may use.
func scripts(t *testing.T, p testscript.Params) testscript.Params {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	p.Setup = func(e *testscript.Env) error {
		e.Setenv(moduleVariable, root)
		program, err := exec.LookPath("sslnotes") // found even where a script empties PATH
		if err != nil {
			return err
		}
		e.Setenv("SSLNOTES", program)
		for _, name := range []string{"GOMODCACHE", "GOCACHE", "GOPATH", "GOFLAGS", "GOPROXY"} { // for the script that builds
			e.Setenv(name, goEnv(t, name))
		}
		return nil
	}
	// Building this module anew takes a minute, so it is not for every test.
	p.Condition = func(name string) (bool, error) {
		if name != "rebuild" {
			return false, fmt.Errorf("unknown condition %s", name)
		}
		return os.Getenv("SSLNOTES_TEST_REBUILD") != "", nil
	}
	p.Cmds = map[string]func(*testscript.TestScript, bool, []string){"json": checkJSON, "sql": execSQL, "waitfor": waitForRun, "doctored": buildDoctored, "paint": paint}
	return p
}

// checkJSON is the script command json PATH VALUE: the last output is JSON whose
// element at the dotted path is that value; with no value, that is not empty.
func checkJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: json path [value]")
	}
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &v))
	for part := range strings.SplitSeq(args[0], ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[part]
		case []any:
			var i int
			if _, err := fmt.Sscan(part, &i); err != nil || i >= len(x) {
				v = nil
				continue
			}
			v = x[i]
		default:
			v = nil
		}
	}
	have := fmt.Sprint(v)
	if v == nil {
		have = ""
	}
	equal := have != ""
	if len(args) == 2 {
		equal = have == args[1]
	}
	if equal == neg {
		ts.Fatalf("%s is %q", args[0], have)
	}
}

// execSQL is the script command sql FILE STATEMENT.
func execSQL(ts *testscript.TestScript, _ bool, args []string) {
	db, err := sql.Open("sqlite3", ts.MkAbs(args[0]))
	ts.Check(err)
	defer db.Close()
	_, err = db.Exec(args[1])
	ts.Check(err)
}

// waitForRun is the script command waitfor FILE NAME: it waits until the run of
// that name has logged a value.
func waitForRun(ts *testscript.TestScript, _ bool, args []string) {
	for range 600 {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			if s, err := tracker.Open(ts.MkAbs(args[0])); err == nil {
				r, err := s.Run(args[1])
				s.Close()
				if err == nil && len(r.Metrics) > 0 {
					return
				}
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	ts.Fatalf("run %s logged nothing", args[1])
}

// buildDoctored is the script command doctored PROGRAM OLD NEW …: it builds this
// module with every old text, which must be there, replaced by the new.
func buildDoctored(ts *testscript.TestScript, _ bool, args []string) {
	archive, _, err := source.New(module{os.DirFS(ts.Getenv(moduleVariable))}).Bytes()
	ts.Check(err)
	dir := ts.MkAbs("doctored")
	ts.Check(source.Unpack(archive, dir))
	for i := 1; i+1 < len(args); i += 2 {
		n := 0
		ts.Check(filepath.WalkDir(filepath.Join(dir, "sslkit"), func(name string, d fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(name) != ".go" {
				return err
			}
			b, err := os.ReadFile(name)
			if err != nil || !bytes.Contains(b, []byte(args[i])) {
				return err
			}
			n++
			return os.WriteFile(name, bytes.ReplaceAll(b, []byte(args[i]), []byte(args[i+1])), 0o644)
		}))
		if n == 0 {
			ts.Fatalf("no file holds %s", args[i])
		}
	}
	archive, _, err = source.New(os.DirFS(dir)).Bytes()
	ts.Check(err)
	program, err := source.Build(context.Background(), archive, ts.MkAbs("built"))
	ts.Check(err)
	ts.Check(os.Rename(program, ts.MkAbs(args[0])))
}

// paint is the script command paint FILE…: it writes PNG images, each of its own.
func paint(ts *testscript.TestScript, _ bool, args []string) {
	for i, name := range args {
		img := image.NewNRGBA(image.Rect(0, 0, 12, 10))
		for at := range img.Pix {
			img.Pix[at] = uint8(at*(i+len(name)) | at%4/3*255)
		}
		name = ts.MkAbs(name)
		ts.Check(os.MkdirAll(filepath.Dir(name), 0o755))
		f, err := os.Create(name)
		ts.Check(err)
		ts.Check(errors.Join(png.Encode(f, img), f.Close()))
	}
}
