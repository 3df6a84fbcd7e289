package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"sslnotes/kernel/display"
	"sslnotes/kernel/engine"
)

// The test binary is its own child, with an engine that knows a few words.
func TestMain(m *testing.M) {
	if os.Getenv(tokenVariant) != "" {
		if err := Serve(&scripted{}, Hooks{}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// scripted runs one command a line.
type scripted struct{ memory string }

func (s *scripted) Eval(ctx context.Context, code string) (r engine.Result, err error) {
	for line := range strings.SplitSeq(code, "\n") {
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "print":
			fmt.Println(rest)
		case "complain":
			fmt.Fprintln(os.Stderr, rest)
		case "show":
			display.Display(rest)
		case "update":
			display.Update("bar", rest)
		case "clear":
			display.Clear(true)
		case "remember":
			s.memory = rest
		case "recall":
			r = engine.Result{Value: s.memory, HasValue: true}
		case "fail":
			return r, engine.NewError("panic", rest, "line 1")
		case "exit":
			os.Exit(3)
		case "crash":
			go panic("from a goroutine")
			select {}
		case "crashlater":
			go func() { time.Sleep(50 * time.Millisecond); panic("from a goroutine") }()
		case "wait":
			<-ctx.Done()
			return r, engine.NewError(engine.Interrupted, "interrupted")
		case "hang":
			select {}
		case "many":
			for i := range 100000 {
				fmt.Println(i)
			}
		case "ask":
			text, err := display.Input(rest)
			if err != nil {
				return r, err
			}
			fmt.Println("answer:", text)
		case "close":
			os.Stdout.Close()
		}
	}
	return r, nil
}

func (s *scripted) Complete(code string, cursor int) engine.Completion {
	return engine.Completion{Start: 0, End: cursor, Matches: []engine.Match{{Text: code + "!", Type: "word"}}}
}
func (s *scripted) Inspect(code string, cursor, detail int) (string, bool) { return "a " + code, true }
func (s *scripted) IsComplete(code string) (string, string)                { return "incomplete", "\t" }
func (s *scripted) Interrupt()                                             {}

func start(t *testing.T, grace time.Duration) *Child {
	t.Helper()
	c, err := Start(Options{Command: []string{os.Args[0]}, Grace: grace})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// run executes a cell and returns its outputs as one text.
func run(c *Child, code string) (string, Reply) {
	var b strings.Builder
	r := c.Execute(context.Background(), Cell{Code: code, AllowStdin: true}, func(o Output) {
		switch o.Kind {
		case Stdout:
			b.WriteString(o.Text)
		case Stderr:
			b.WriteString("E:" + o.Text)
		case Input:
			c.Answer("forty-two", false)
		default:
			fmt.Fprintf(&b, "[%s %s%v]", o.Kind, o.ID, o.Bundle[display.MimeText])
		}
	})
	return b.String(), r
}

func TestOutputsKeepTheirOrder(t *testing.T) {
	c := start(t, 0)
	for range 20 {
		got, r := run(c, "print a\nshow b\ncomplain c\nshow d\nprint e\nupdate f\nprint g\nupdate h\nclear\nprint i\nremember x\nrecall")
		const want = "a\n[display b]E:c\n[display d]e\n[display barf]g\n[update barh][clear <nil>]i\n[result x]"
		if got != want && got != strings.Replace(want, "[display barf]", "[update barf]", 1) || r.Err != nil {
			t.Fatalf("%q (%v), want %q", got, r.Err, want)
		}
	}
}

func TestMuchOutputArrivesWhole(t *testing.T) {
	c := start(t, 0)
	pieces := 0
	var b strings.Builder
	c.Execute(context.Background(), Cell{Code: "many"}, func(o Output) { pieces++; b.WriteString(o.Text) })
	if n := strings.Count(b.String(), "\n"); n != 100000 || !strings.HasSuffix(b.String(), "\n99999\n") {
		t.Errorf("%d lines", n)
	}
	if pieces > 1000 {
		t.Errorf("in %d pieces", pieces)
	}
}

func TestErrorsAndState(t *testing.T) {
	c := start(t, 0)
	run(c, "remember state")
	if _, r := run(c, "fail badly"); r.Err == nil || r.Err.Name != "panic" || r.Err.Message != "badly" || r.Lost {
		t.Errorf("%+v", r)
	}
	if got, _ := run(c, "recall"); got != "[result state]" {
		t.Errorf("after a failure: %q", got)
	}
}

// Whatever kills the process fails the cell, and the next cell runs in a new one.
func TestDeathIsAnError(t *testing.T) {
	c := start(t, 0)
	for code, want := range map[string]string{"exit": "exit status 3", "crash": "from a goroutine"} {
		run(c, "remember state")
		_, r := run(c, "print before\n"+code)
		if r.Err == nil || !r.Lost || !strings.Contains(strings.Join(r.Err.Traceback, "\n"), want) {
			t.Errorf("%s: %+v", code, r)
		}
		if got, r := run(c, "recall"); got != "[result ]" || r.Err != nil {
			t.Errorf("after %s: %q, %+v", code, got, r)
		}
	}
}

func TestInterrupt(t *testing.T) {
	c := start(t, 300*time.Millisecond)
	run(c, "remember state")
	for code, lost := range map[string]bool{"wait": false, "hang": true} {
		ctx, cancel := context.WithCancel(context.Background())
		r := c.Execute(ctx, Cell{Code: "print now\n" + code}, func(Output) { cancel() })
		cancel()
		if r.Err == nil || r.Lost != lost {
			t.Errorf("%s: %+v", code, r)
		}
		want := "[result state]"
		if lost {
			want = "[result ]"
		}
		if got, _ := run(c, "recall"); got != want {
			t.Errorf("after %s: %q", code, got)
		}
		run(c, "remember state")
	}
	c.Interrupt() // nothing runs
	if got, _ := run(c, "recall"); got != "[result state]" {
		t.Errorf("an idle session was interrupted: %q", got)
	}
}

// An interrupt that comes before its cell has begun stops it all the same.
func TestInterruptBeforeItBegins(t *testing.T) {
	c := start(t, time.Minute)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for range 20 {
		if r := c.Execute(ctx, Cell{Code: "wait"}, func(Output) {}); r.Err == nil || r.Err.Name != engine.Interrupted || r.Lost {
			t.Fatalf("%+v", r)
		}
	}
	if _, r := run(c, "recall"); r.Err != nil {
		t.Errorf("the next cell: %v", r.Err)
	}
}

// A death that no cell saw is told to the next one, even if something else was
// asked in between.
func TestDeathBetweenCells(t *testing.T) {
	c := start(t, 0)
	run(c, "crashlater")
	<-c.process.gone
	if _, err := c.Complete("x", 1); err == nil {
		t.Error("a dead process completes")
	}
	if _, r := run(c, "recall"); !r.Lost || r.Err == nil || !strings.Contains(strings.Join(r.Err.Traceback, "\n"), "from a goroutine") {
		t.Errorf("%+v", r)
	}
	if got, r := run(c, "recall"); got != "[result ]" || r.Err != nil {
		t.Errorf("%q, %+v", got, r)
	}
}

func FuzzPipe(f *testing.F) {
	var good bytes.Buffer
	if err := (&pipe{w: &good}).send(request{ID: 1, Op: "execute", Cell: Cell{Code: "x"}}); err != nil {
		f.Fatal(err)
	}
	f.Add(good.Bytes())
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0, 0, 0, 2, '{'})
	f.Fuzz(func(t *testing.T, raw []byte) {
		p := pipe{r: bytes.NewReader(raw)}
		for {
			var r request
			if p.receive(&r) != nil {
				return
			}
		}
	})
}

func TestInput(t *testing.T) {
	c := start(t, 0)
	if got, r := run(c, "ask How many?"); got != "answer: forty-two\n" || r.Err != nil {
		t.Errorf("%q, %v", got, r.Err)
	}
	r := c.Execute(context.Background(), Cell{Code: "ask me"}, func(Output) {})
	if r.Err == nil || !strings.Contains(r.Err.Message, "no input") {
		t.Errorf("where nobody answers: %+v", r)
	}
}

func TestQuestionsAboutCode(t *testing.T) {
	c := start(t, 0)
	if m, err := c.Complete("x", 1); err != nil || len(m.Matches) != 1 || m.Matches[0].Text != "x!" {
		t.Errorf("%+v, %v", m, err)
	}
	if text, ok, err := c.Inspect("x", 1, 0); err != nil || !ok || text != "a x" {
		t.Errorf("%q, %v, %v", text, ok, err)
	}
	if status, indent, err := c.IsComplete("x"); err != nil || status != "incomplete" || indent != "\t" {
		t.Errorf("%q, %q, %v", status, indent, err)
	}
}

// A cell that closes its standard output still has its displays.
func TestClosedStreams(t *testing.T) {
	c := start(t, 0)
	if got, r := run(c, "close\nshow a"); got != "[display a]" || r.Err != nil {
		t.Errorf("%q, %v", got, r.Err)
	}
}

func TestRestartAndClose(t *testing.T) {
	c := start(t, 0)
	run(c, "remember state")
	if err := c.Restart(); err != nil {
		t.Fatal(err)
	}
	if got, _ := run(c, "recall"); got != "[result ]" {
		t.Errorf("after a restart: %q", got)
	}
	c.Close()
	if _, r := run(c, "recall"); r.Err == nil {
		t.Error("a closed session runs cells")
	}
}

func TestServeNeedsAParent(t *testing.T) {
	if err := Serve(&scripted{}, Hooks{}); !errors.Is(err, ErrNotChild) {
		t.Errorf("error %v", err)
	}
}

func TestMarkersSplitAnywhere(t *testing.T) {
	for cut := range 40 {
		var got strings.Builder
		s := newStream("token", func(text string) { got.WriteString(text) })
		s.passed = 1 << 30
		text := "é before\x00 and " + string(marker("token", 7)) + "after é"
		at := min(cut, len(text))
		s.take([]byte(text[:at]))
		s.take([]byte(text[at:]))
		s.end()
		if want := "é before\x00 and after é"; got.String() != want || s.reached != 7 {
			t.Fatalf("cut at %d: %q, marker %d", cut, got.String(), s.reached)
		}
	}
}
