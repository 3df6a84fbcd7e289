package display

import (
	"errors"
	"fmt"
	"sync"
)

// A Sink receives what is displayed. Its methods are called from any goroutine.
type Sink interface {
	// Show displays b. An id that is not empty names the display; if update
	// is set, b replaces what was last shown under that id.
	Show(id string, update bool, b Bundle)
	// Clear removes the cell's output, at once or when the next output comes.
	Clear(wait bool)
	// Input asks the person at the front end for a line of text.
	Input(prompt string, password bool) (string, error)
}

var state struct {
	sync.Mutex
	sink  Sink
	shown map[string]bool
}

// SetSink directs everything displayed from now on to s; nil restores standard
// output.
func SetSink(s Sink) {
	state.Lock()
	defer state.Unlock()
	state.sink, state.shown = s, map[string]bool{}
}

// Display shows v, and more values each as a display of its own.
func Display(v any, more ...any) {
	for _, v := range append([]any{v}, more...) {
		show("", false, v)
	}
}

// DisplayID shows v under an id, by which [Update] can replace it.
func DisplayID(id string, v any) { show(id, false, v) }

// Update replaces what was shown under id by v, wherever it stands; an id that
// was not shown yet is shown, so a progress bar needs no other call.
func Update(id string, v any) { show(id, true, v) }

func show(id string, update bool, v any) {
	b := Render(v)
	state.Lock()
	defer state.Unlock()
	if state.sink == nil {
		fmt.Println(b[MimeText])
		return
	}
	// Two goroutines that update one id must reach the sink in one order:
	// hence under the lock.
	update = update && state.shown[id]
	if id != "" {
		state.shown[id] = true
	}
	state.sink.Show(id, update, b)
}

// Clear removes the output of the running cell; if wait is set, not before
// there is new output to put in its place.
func Clear(wait bool) {
	if s := currentSink(); s != nil {
		s.Clear(wait)
	}
}

// Input asks for a line of text and returns it without its newline.
func Input(prompt string) (string, error) { return ask(prompt, false) }

// Password asks for a line of text that is not shown while it is typed.
func Password(prompt string) (string, error) { return ask(prompt, true) }

func ask(prompt string, password bool) (string, error) {
	s := currentSink()
	if s == nil {
		return "", errors.New("display: nobody to ask: there is no front end")
	}
	return s.Input(prompt, password)
}

func currentSink() Sink {
	state.Lock()
	defer state.Unlock()
	return state.sink
}
