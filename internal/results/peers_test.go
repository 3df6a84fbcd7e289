package results

import (
	"context"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/pipeline"
	"sslnotes/sslkit/rng"
)

// TestWelch holds the difference and its standard error against numbers worked
// out by hand: deviations of 2 and 3 over 4 and 2 seeds.
func TestWelch(t *testing.T) {
	mean, deviation := welch([]float64{8, 12, 12, 8}, []float64{15, 9})
	want := math.Sqrt(16./3/4 + 18./2)
	if mean != -2 || math.Abs(deviation-want) > 1e-12 {
		t.Errorf("the difference is %g ± %g, want -2 ± %g", mean, deviation, want)
	}
	if mean, deviation = welch([]float64{1}, []float64{3, 4}); mean != -2.5 || !math.IsNaN(deviation) {
		t.Errorf("of one seed the difference is %g ± %g, want -2.5 without a deviation", mean, deviation)
	}
}

// TestBeside shows peers beside ours, and refuses those of another budget.
func TestBeside(t *testing.T) {
	dir := t.TempDir()
	p := Plan{Seeds: 2, Methods: []string{"simclr", "mae"}}
	for _, row := range p.Rows() {
		r := Result{Row: row, Numerics: pipeline.Numerics}
		switch row.Name {
		case "simclr-1", "simclr-2":
			r.Config = json.RawMessage(`{"Schedule":{"Steps":428}}`)
		case "simclr-1-probe", "mae-1-probe":
			r.Metrics = map[string]float64{"test_accuracy": 0.8}
		case "simclr-2-probe":
			r.Metrics = map[string]float64{"test_accuracy": 0.84}
		default:
			continue
		}
		if err := write(dir, r); err != nil {
			t.Fatal(err)
		}
	}
	put := func(name, method string, steps int, accuracy float64) {
		if err := os.MkdirAll(filepath.Join(dir, peers), 0o777); err != nil {
			t.Fatal(err)
		}
		peer := Peer{Method: method, Steps: steps, Metrics: map[string]float64{"test_accuracy": accuracy}}
		if err := writePeer(filepath.Join(dir, peers, name+".json"), peer); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := p.Report(dir); err != nil || strings.Contains(text, "PyTorch") {
		t.Errorf("without peers there is a section, or %v:\n%s", err, text)
	}
	put("simclr-1", "simclr", 428, 0.83)
	put("simclr-2", "simclr", 428, 0.79)
	put("simclr-3", "simclr", 428, 0.78)
	put("mae-1", "mae", 642, 0.75)
	text, err := p.Report(dir)
	if err != nil {
		t.Fatal(err)
	}
	// √(0.0008/2 + 0.0007/3) is 0.0252.
	for _, want := range []string{
		"## Beside PyTorch",
		"| SimCLR | 2, 3 | 82.0 ± 2.8 | 80.0 ± 2.6 | +2.0 ± 2.5 |",
		"| MAE | 1, 1 | 80.0 | 75.0 | +5.0 (one seed) |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	put("simclr-3", "simclr", 856, 0.9)
	if _, err := p.Report(dir); err == nil || !strings.Contains(err.Error(), "856 steps, simclr-1 for 428") {
		t.Errorf("a peer of twice the steps gives the error %v", err)
	}
}

// TestJudgePeers judges an encoder from its file as its run, and refuses one
// whose features or images are others than its description says.
func TestJudgePeers(t *testing.T) {
	p, dir, from := small().resolve(), t.TempDir(), t.TempDir()
	x := &executor{plan: p}
	if err := x.open(); err != nil {
		t.Fatal(err)
	}
	spec := x.unlabelled.Spec()
	e, err := p.Encoder.Build(nn.Input{Height: spec.Height, Width: spec.Width, Channels: spec.Channels}, rng.New(5, "peer"))
	if err != nil {
		t.Fatal(err)
	}
	if err := nn.SaveFile(filepath.Join(from, "simclr-5.safetensors"), e); err != nil {
		t.Fatal(err)
	}
	peer := Peer{Method: "simclr", Seed: 5, Steps: 9, Data: x.unlabelled.Digest()}
	for _, v := range e.Forward(pipeline.Images(x.test, []int{0}), false).Data() {
		peer.Features = append(peer.Features, float64(v))
	}
	judge := func(p Peer) (Peer, error) {
		if err := writePeer(filepath.Join(from, "simclr-5.json"), p); err != nil {
			t.Fatal(err)
		}
		if err := small().JudgePeers(session(t, context.Background()), from, dir, io.Discard); err != nil {
			return p, err
		}
		return ReadPeer(filepath.Join(dir, peers, "simclr-5.json"))
	}
	other := peer
	other.Features = append([]float64{peer.Features[1], peer.Features[0]}, peer.Features[2:]...)
	if _, err := judge(other); err == nil || !strings.Contains(err.Error(), "features of an image") {
		t.Errorf("other features give the error %v", err)
	}
	other = peer
	other.Data = "abc"
	if _, err := judge(other); err == nil || !strings.Contains(err.Error(), "digest abc") {
		t.Errorf("other images give the error %v", err)
	}
	have, err := judge(peer)
	if err != nil {
		t.Fatal(err)
	}
	if want := probed(t, p, x.train, x.test, x.unlabelled, e); have.Metrics["test_accuracy"] != want || have.Apart != 0 || have.Features != nil {
		t.Errorf("judged with accuracy %v, features %g apart, want %g and 0", have.Metrics, have.Apart, want)
	}
	judged := peer
	judged.Seed = 99
	if again, err := judge(judged); err != nil || again.Seed != 5 {
		t.Errorf("a judged peer was judged again: seed %d (%v)", again.Seed, err)
	}
}

// probed is the accuracy of the encoder's linear probe.
func probed(t *testing.T, p Plan, train, test *data.Set, seen *data.Unlabelled, e nn.Encoder) float64 {
	path := filepath.Join(t.TempDir(), "e.safetensors")
	if err := nn.SaveFile(path, e); err != nil {
		t.Fatal(err)
	}
	r, err := session(t, context.Background()).Import(p.Encoder, path, seen)
	if err != nil {
		t.Fatal(err)
	}
	j, err := pipeline.LinearProbe(r, train, test)
	if err != nil {
		t.Fatal(err)
	}
	v, err := j.Value("test_accuracy")
	if err != nil {
		t.Fatal(err)
	}
	return v
}
