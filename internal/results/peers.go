package results

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sslnotes/sslkit/pipeline"
)

// A Peer is an encoder that PyTorch trained, as sslkit/bench/peers/parity.py
// describes it, and what the probe made of it that judges ours; or a model of
// CLIP, as clip.py beside it describes it.
type Peer struct {
	Method  string    `json:"method"`
	Seed    uint64    `json:"seed"`
	Steps   int       `json:"steps"`
	Batch   int       `json:"batch"`
	Data    string    `json:"data"` // digest of the training images
	Encoder int       `json:"parameters"`
	Heads   int       `json:"head_parameters"`
	First   float64   `json:"first_loss"`
	Losses  []float64 `json:"losses"` // means of tenths of the training
	Seconds float64   `json:"seconds"`
	CPU     float64   `json:"cpu_seconds"`
	Torch   string    `json:"torch"`
	Command string    `json:"command"`

	// Features are PyTorch's of the first test image, of CLIP's the first training
	// image. They are not kept: Apart is the largest distance of ours, of the same
	// weights, over the largest feature.
	Features []float64 `json:"features,omitempty"`
	Text     []float64 `json:"text_features,omitempty"` // of the first caption, if captions were learnt
	Apart    float64   `json:"features_apart"`

	Metrics  map[string]float64 `json:"metrics,omitempty"` // of the probe
	Numerics string             `json:"numerics,omitempty"`
}

// peers is the folder of judged peers among the results.
const peers = "parity"

// sameFeatures bounds Peer.Apart: roundings of float32 through some ten layers.
// Another architecture, order of weights or normalisation is far beyond it.
const sameFeatures = 1e-4

// JudgePeers probes the encoders that parity.py left in the folder from and
// writes what came of each into the folder of the results. Those that have been
// judged are left alone. It returns an error if an encoder is of other images or
// does not compute what PyTorch computed with it.
func (p Plan) JudgePeers(s *pipeline.Session, from, dir string, out io.Writer) error {
	x := &executor{plan: p.resolve(), dir: dir, session: s, out: out}
	if err := x.open(); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(from, "*.json"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, peers), 0o777); err != nil {
		return fmt.Errorf("results: %w", err)
	}
	for _, file := range files {
		to := filepath.Join(dir, peers, filepath.Base(file))
		if _, err := os.Stat(to); err == nil {
			continue
		}
		peer, err := ReadPeer(file)
		if err == nil {
			err = x.judgePeer(&peer, strings.TrimSuffix(file, ".json")+".safetensors")
		}
		if err == nil {
			err = writePeer(to, peer)
		}
		if err != nil {
			return fmt.Errorf("results: %s: %w", file, err)
		}
		fmt.Fprintf(out, "%s: test accuracy %.4f, features %.1g apart\n", filepath.Base(file), peer.Metrics["test_accuracy"], peer.Apart)
	}
	return nil
}

// ReadPeer reads a peer's description.
func ReadPeer(file string) (p Peer, err error) {
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	return p, err
}

func writePeer(file string, p Peer) error {
	b, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	return replace(file, append(b, '\n'))
}

// judgePeer probes the encoder in the file of weights.
func (x *executor) judgePeer(p *Peer, weights string) error {
	if _, ok := methodOf(p.Method); !ok {
		return fmt.Errorf("there is no method %q", p.Method)
	}
	if err := p.trainedOn(x.unlabelled.Digest()); err != nil {
		return err
	}
	e, err := x.session.Import(x.plan.architecture(p.Method), weights, x.unlabelled)
	if err != nil {
		return err
	}
	ours := e.Encoder().Forward(pipeline.Images(x.test, []int{0}), false).Data()
	if p.Apart, err = apart("an image", ours, p.Features); err != nil {
		return err
	}
	r, err := pipeline.LinearProbe(e, x.train, x.test)
	if err != nil {
		return err
	}
	rec, err := r.Record()
	if err != nil {
		return err
	}
	p.Features, p.Metrics, p.Numerics = nil, resultOf(Row{}, rec).Metrics, rec.Numerics
	return nil
}

// trainedOn returns an error unless the peer learnt from a set of that digest.
func (p *Peer) trainedOn(digest string) error {
	if p.Data != digest {
		return fmt.Errorf("it was trained on images with digest %s, ours is %s", p.Data, digest)
	}
	return nil
}

// Compare holds a model of CLIP to have learnt from the set of that digest, and
// our features of its first caption and, got in any number of ways, of its first
// image, of the same weights, against PyTorch's, which it then forgets. It
// returns an error if any is otherwise.
func (p *Peer) Compare(digest string, text []float32, images ...[]float32) error {
	err := p.trainedOn(digest)
	if err != nil {
		return err
	}
	if p.Apart, err = apart("a caption", text, p.Text); err != nil {
		return err
	}
	for _, image := range images {
		a, err := apart("an image", image, p.Features)
		if err != nil {
			return err
		}
		p.Apart = max(p.Apart, a)
	}
	p.Features, p.Text = nil, nil
	return nil
}

// apart is the largest distance of features of something from a peer's, over the
// largest of these. It returns an error if that is more than roundings make of
// it.
func apart(of string, ours []float32, theirs []float64) (float64, error) {
	if len(ours) != len(theirs) {
		return 0, fmt.Errorf("it has %d features of %s, ours %d", len(theirs), of, len(ours))
	}
	var far, large float64
	for i, v := range theirs {
		far, large = max(far, math.Abs(float64(ours[i])-v)), max(large, math.Abs(v))
	}
	if !(far <= sameFeatures*large) {
		return 0, fmt.Errorf("its features of %s are %.3g from ours with the same weights, the largest being %.3g", of, far, large)
	}
	return far / large, nil
}

// beside holds methods against PyTorch's.
func (a accuracies) beside(dir string) (string, error) {
	var b strings.Builder
	for _, m := range a.plan.methods() {
		theirs, err := a.peersOf(m.name, dir)
		if err != nil {
			return "", err
		}
		if ours := values(a.of(m.name, "probe", 0)); len(theirs) > 0 {
			fmt.Fprintf(&b, "| %s | %d, %d | %s | %s | %s |\n", m.title, len(ours), len(theirs), cell(ours), cell(theirs), difference(ours, theirs))
		}
	}
	if b.Len() == 0 {
		return "", nil
	}
	return besideIntroduction + b.String(), nil
}

const besideIntroduction = `
## Beside PyTorch

Encoder, method, training images, augmentation, optimizer, schedule and number of steps written again in PyTorch
(` + "`sslkit/bench/peers/parity.py`" + `), with random numbers of its own, trained there, and judged by our linear
probe on all labels. Test accuracy in percent, mean ± standard deviation over seeds; the difference ± its standard
error, which counts both spreads since the seeds are not pairs. With our random numbers in place of its own, PyTorch's
losses are ours to the roundings of float32, step by step (` + "`TestStepsAreThePeers`" + `).

| method | seeds, ours and PyTorch's | ours | PyTorch | difference |
|---|---|---|---|---|
`

// difference shows how far the means of two samples are apart, with its standard
// error where both tell their spread.
func difference(a, b []float64) string {
	switch mean, deviation := welch(a, b); {
	case len(a) == 0 || len(b) == 0:
		return "–"
	case math.IsNaN(deviation):
		return fmt.Sprintf("%+.1f (one seed)", 100*mean)
	default:
		return fmt.Sprintf("%+.1f ± %.1f", 100*mean, 100*deviation)
	}
}

// welch returns the difference of two means and its standard error (Welch
// 1947), which is NaN unless both samples tell their spread.
func welch(a, b []float64) (difference, deviation float64) {
	x, s := moments(a)
	y, t := moments(b)
	if len(a) < 2 || len(b) < 2 {
		return x - y, math.NaN()
	}
	return x - y, math.Sqrt(s*s/float64(len(a)) + t*t/float64(len(b)))
}

// peersOf returns the accuracies of a method's judged peers, which must have
// been trained as long as ours.
func (a accuracies) peersOf(name, dir string) (v []float64, err error) {
	files, err := filepath.Glob(filepath.Join(dir, peers, name+"-*.json"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	for _, file := range files {
		p, err := ReadPeer(file)
		if err != nil {
			return nil, fmt.Errorf("results: %s: %w", file, err)
		}
		for _, r := range a.all {
			if steps := r.steps(); r.Row.Encoder == name && r.Row.Judge == "" && steps != p.Steps {
				return nil, fmt.Errorf("results: %s was trained for %d steps, %s for %d", file, p.Steps, r.Row.Name, steps)
			}
		}
		if accuracy, ok := p.Metrics["test_accuracy"]; ok {
			v = append(v, accuracy)
		}
	}
	return v, nil
}

// steps are those of the training that a result records.
func (r Result) steps() int {
	steps, _ := budget(r.Config)
	return steps
}

// budget returns the steps of a recorded training and the samples of each, 0 if
// it does not say.
func budget(config json.RawMessage) (steps, batch int) {
	var c struct {
		Schedule struct{ Steps, BatchSize int }
	}
	if json.Unmarshal(config, &c) != nil {
		return 0, 0
	}
	return c.Schedule.Steps, c.Schedule.BatchSize
}
