package cli

import (
	"math"
	"strings"
	"testing"

	"sslnotes/sslkit/pipeline"
)

// TestTrace adds a straight line, which means of neighbours leave straight.
func TestTrace(t *testing.T) {
	var line trace
	for i := range 5000 {
		line.add(i, float64(i))
	}
	if n := len(line.values); n >= traceMost || n < traceMost/2-1 {
		t.Fatalf("%d points", n)
	}
	for i, v := range line.values {
		if want := float64(line.steps[i]) - float64(line.each-1)/2; math.Abs(v-want) > 1e-9 {
			t.Fatalf("point %d at step %d is %g, want %g", i, line.steps[i], v, want)
		}
	}
	svg := line.svg("loss <a>", "red", 5000)
	if strings.Count(svg, ",") != len(line.values) || !strings.Contains(svg, "loss &lt;a&gt;") {
		t.Error(svg)
	}
	if s := new(trace).svg("loss", "red", 5); s != "" {
		t.Errorf("no value is drawn as %s", s)
	}
}

func TestSpark(t *testing.T) {
	for want, values := range map[string][]float64{"": {1}, "▁█": {9, 0, 1}, "▁▁": {2, 2}, "▁▅█": {0, 4, 8}} {
		if got := spark(values, max(2, len([]rune(want)))); got != want {
			t.Errorf("%v is drawn as %s, want %s", values, got, want)
		}
	}
}

// TestCellShows expects a cell to draw a training and to keep its alarms.
func TestCellShows(t *testing.T) {
	b := &cellBar{title: "dino-1", total: 10}
	var p pipeline.Panel = b
	p.Draw("loss", 0, 2)
	p.Draw("loss", 1, 1)
	p.Draw(pipeline.MonitorKNN, 1, 0.5)
	p.Alarm(1, "uniform collapse: all <alike>")
	p.Update(10, "loss 1")
	text, page := b.views("10/10")
	if text != "dino-1 10/10\nwarning: step 2: uniform collapse: all <alike>" {
		t.Errorf("text %q", text)
	}
	for _, want := range []string{"kNN accuracy 0.5", "loss 1 (1 to 2)", "step 2: uniform collapse: all &lt;alike&gt;", "<progress"} {
		if !strings.Contains(page, want) {
			t.Errorf("page %s lacks %s", page, want)
		}
	}
}
