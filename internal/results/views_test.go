package results

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/contrastive"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/mae"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/rng"
)

// looks are what a view looks like on the average.
var looks = [...]string{"mean", "square", "across", "down", "white", "black", "left", "top"}

// look is what one view [28,28] looks like, in the order of looks, as parity.py
// looks.
func look(pix []float32) (v [len(looks)]float64) {
	for i, p := range pix {
		x, col, row := float64(p), i%28, i/28
		v[0] += x / 784
		v[1] += x * x / 784
		if col > 0 {
			v[2] += math.Abs(x-float64(pix[i-1])) / (28 * 27)
		}
		if row > 0 {
			v[3] += math.Abs(x-float64(pix[i-28])) / (28 * 27)
		}
		if p >= 1 {
			v[4] += 1. / 784
		}
		if p <= 0 {
			v[5] += 1. / 784
		}
		v[6] += math.Copysign(x, 13.5-float64(col)) / 392
		v[7] += math.Copysign(x, 13.5-float64(row)) / 392
	}
	return v
}

// TestViewsAreThePeers holds the means over many views against those of
// parity.py's, which draws by other numbers and interpolates by PyTorch's own
// grid_sample, to four standard errors, and their spread to a twentieth.
// Regenerate the golden by
//
//	sslkit/bench/peers/peer parity DATA OUT views >internal/results/testdata/views.json
func TestViewsAreThePeers(t *testing.T) {
	if _, err := os.Stat("/usr/share/datasets/fashion-mnist"); err != nil && os.Getenv("SSLNOTES_DATA") == "" {
		t.Skip("fashion-mnist is not installed")
	}
	train, _, err := data.FashionMNIST()
	if err != nil {
		t.Fatal(err)
	}
	rest, _, err := train.Holdout()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/views.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden map[string]json.RawMessage
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]sslkit.Viewer{"crop and flip": &mae.Autoencoder{}, "crop, flip and jitter": &contrastive.SimCLR{}} {
		var want map[string][2]float64
		if err := json.Unmarshal(golden[name], &want); err != nil || len(want) != len(looks) {
			t.Fatalf("%s: %d means, %v", name, len(want), err)
		}
		e, err := nn.ViT{}.Build(nn.Input{Height: 28, Width: 28, Channels: 1}, rng.New(0, "views"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Build(e, rest.Spec(), sslkit.Setup{Steps: 1, BatchSize: 2}); err != nil {
			t.Fatal(err)
		}
		const n, theirs = 20000, 55000
		var sum, square [len(looks)]float64
		img := data.Image{H: 28, W: 28, C: 1, Pix: make([]float32, 784)}
		for i := range n {
			m.View(&img, rest.Image(i*rest.Len()/n), 0, rng.New(3, "views", uint64(i)))
			for k, v := range look(img.Pix) {
				sum[k] += v
				square[k] += v * v
			}
		}
		for i, k := range looks {
			w := want[k]
			mean := sum[i] / n
			sd := math.Sqrt(square[i]/n - mean*mean)
			if bound := 4 * w[1] * math.Sqrt(1./n+1./theirs); !(math.Abs(mean-w[0]) <= bound) {
				t.Errorf("%s: %s is %.5f, PyTorch's %.5f, want within %.5f", name, k, mean, w[0], bound)
			}
			if k != "white" && !(math.Abs(sd/w[1]-1) <= 0.05) { // few views have any white
				t.Errorf("%s: the standard deviation of %s is %.5f, PyTorch's %.5f", name, k, sd, w[1])
			}
			t.Logf("%s: %-6s %.5f ± %.5f, PyTorch's %.5f ± %.5f", name, k, mean, sd, w[0], w[1])
		}
	}
}
