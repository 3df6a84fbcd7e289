package clip

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"sslnotes/internal/config"
	"sslnotes/sslkit"
	"sslnotes/sslkit/augment"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/pipeline"
	"sslnotes/sslkit/rng"
	"sslnotes/sslkit/tensor"
)

// A run that is loaded again gives the features of the model that was trained.
func TestRunGivesItsModelBack(t *testing.T) {
	set := pictures(t, "emoji-google")
	s := &pipeline.Session{Path: filepath.Join(t.TempDir(), "runs.db"), Types: config.Types{}}
	s.Types.Add(CLIP{}, nn.ConvNet{}, augment.Crop{})
	s.Data = func(string, string) (*data.Set, error) { return set, nil }
	trained := small()
	run, err := s.Pretrain(nn.ConvNet{Channels: []int{4, 8}}, trained, set.Unlabelled(), sslkit.Schedule{Steps: 3, BatchSize: 8, Seed: 5, Watch: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Store.Close()
	if run.Method() != sslkit.Method(trained) {
		t.Error("the run does not hold the method that was trained")
	}
	loaded, err := s.Load(run.ID())
	if err != nil {
		t.Fatal(err)
	}
	m, ok := loaded.Method().(*CLIP)
	if !ok {
		t.Fatalf("the loaded run's method is a %T", loaded.Method())
	}
	x := pipeline.Images(set, []int{0, 3, 7})
	if !slices.Equal(m.ImageFeatures(x).Data(), trained.ImageFeatures(x).Data()) {
		t.Error("the loaded model has other features of images")
	}
	said := []string{"red apple", "zebra"}
	if !slices.Equal(m.TextFeatures(said).Data(), trained.TextFeatures(said).Data()) || m.Scale() != trained.Scale() {
		t.Error("the loaded model has other features of texts, or another scale")
	}
	if v, err := s.Reproduce(run.ID()); err != nil || v.Verdict != pipeline.BitExact {
		t.Errorf("executed again the run is %s: %s %v", v.Verdict, v.Reason, err)
	}
}

// A folder with captions trains as any set does, and its record finds it again.
func TestFolderWithCaptions(t *testing.T) {
	dir := t.TempDir()
	lines := "file_name,caption\n"
	for i, c := range []color.NRGBA{{R: 255, A: 255}, {G: 255, A: 255}, {B: 255, A: 255}, {R: 255, G: 255, A: 255}, {A: 255}, {R: 90, A: 255}} {
		class := []string{"dark", "light"}[i%2]
		img := image.NewNRGBA(image.Rect(0, 0, 8, 8))
		draw.Draw(img, img.Bounds(), image.NewUniform(c), image.Point{}, draw.Src)
		var b bytes.Buffer
		if err := errors.Join(png.Encode(&b, img), os.MkdirAll(filepath.Join(dir, class), 0o755),
			os.WriteFile(filepath.Join(dir, class, fmt.Sprint(i, ".png")), b.Bytes(), 0o644)); err != nil {
			t.Fatal(err)
		}
		lines += fmt.Sprintf("%s/%d.png,\"%s, picture %d\"\n", class, i, class, i)
	}
	if err := os.WriteFile(filepath.Join(dir, "metadata.csv"), []byte(lines), 0o644); err != nil {
		t.Fatal(err)
	}
	set, _, err := data.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := &pipeline.Session{Path: filepath.Join(t.TempDir(), "runs.db"), Types: config.Types{}}
	s.Types.Add(CLIP{}, nn.ConvNet{}, augment.Crop{})
	run, err := s.Pretrain(nn.ConvNet{Channels: []int{4, 8}}, small(), set.Unlabelled(), sslkit.Schedule{Steps: 2, BatchSize: 4, Seed: 5, Watch: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Store.Close()
	if v, err := s.Reproduce(run.ID()); err != nil || v.Verdict != pipeline.BitExact {
		t.Errorf("executed again the run is %s: %s %v", v.Verdict, v.Reason, err)
	}
}

func TestQuestions(t *testing.T) {
	train, _, err := data.Open("emoji-google")
	if err != nil {
		t.Fatal(err)
	}
	seen, held, err := data.Open("emoji-twitter")
	if err != nil {
		t.Fatal(err)
	}
	known, unknown, err := Questions(train, seen, held)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []Question{known, unknown} {
		for i, c := range q.Pictures.Spec().Captions {
			if q.Candidates[q.Truth[i]] != c {
				t.Fatalf("picture %d is %q, the truth says %q", i, c, q.Candidates[q.Truth[i]])
			}
		}
	}
	for _, c := range unknown.Candidates {
		if slices.Contains(train.Captions(), c) {
			t.Errorf("%q is in training", c)
		}
	}
	if len(known.Candidates) <= len(unknown.Candidates) || known.Chance() != 1/float64(len(known.Candidates)) {
		t.Errorf("%d and %d candidates, chance %g", len(known.Candidates), len(unknown.Candidates), known.Chance())
	}
	if _, _, err := Questions(train, seen, seen); err == nil {
		t.Error("held-out concepts that are in training pass")
	}
}

// TestEnsemble holds an ensemble against its parts, computed one by one.
func TestEnsemble(t *testing.T) {
	set := pictures(t, "emoji-google")
	s := &pipeline.Session{Path: filepath.Join(t.TempDir(), "runs.db")}
	m := small()
	if _, err := s.Pretrain(nn.ConvNet{Channels: []int{4, 8}}, m, set.Unlabelled(), sslkit.Schedule{Steps: 3, BatchSize: 8, Watch: -1}); err != nil {
		t.Fatal(err)
	}
	defer s.Store.Close()
	q, err := ask(set, set.Captions(), nil)
	if err != nil {
		t.Fatal(err)
	}
	plain := q.Answer(m)
	for i, v := range (Ensemble{}).Answer(m, q).Data() {
		near(t, "alone", float64(v), float64(plain.Data()[i]), 1e-6)
	}
	// One view and one choice of phrases: the unit sums of two unit features.
	image, text := m.Embed(set, nil), m.TextFeatures(q.Candidates)
	x, said := tensor.New(set.Len(), m.in.Height, m.in.Width, m.in.Channels), []string{}
	for i := range set.Len() {
		view := data.Image{H: m.in.Height, W: m.in.Width, C: m.in.Channels, Pix: make([]float32, x.Len()/set.Len())}
		m.View(&view, set.Image(i), 0, rng.New(7, "asked view", 0, uint64(i)))
		m.in.Normalise(x.Data()[i*len(view.Pix):], view)
	}
	for i, c := range q.Candidates {
		said = append(said, m.say(c, rng.New(7, "asked caption", 0, uint64(i))))
	}
	if slices.Equal(said, q.Candidates) {
		t.Error("every caption is said whole")
	}
	both := func(a, b *tensor.Tensor) *tensor.Tensor { return tensor.L2Normalize(tensor.Add(a, b), 1e-12) }
	together := tensor.MatMulT(both(image, m.ImageFeatures(x)), both(text, m.TextFeatures(said)))
	for i, v := range (Ensemble{Views: 1, Texts: 1, Seed: 7}).Answer(m, q).Data() {
		near(t, "together", float64(v), float64(together.Data()[i]), 1e-6)
	}
	// Two models together: the mean of what they answer.
	other := small()
	if _, err := s.Pretrain(nn.ConvNet{Channels: []int{4, 8}}, other, set.Unlabelled(), sslkit.Schedule{Steps: 3, BatchSize: 8, Watch: -1, Seed: 2}); err != nil {
		t.Fatal(err)
	}
	second := q.Answer(other).Data()
	for i, v := range (Ensemble{}).Together([]*CLIP{m, other}, q).Data() {
		near(t, "two models", float64(v), float64(plain.Data()[i]+second[i])/2, 1e-6)
	}
	// With the pictures themselves as the bank, exp(5 s) of a candidate sums to 1.
	n := len(q.Candidates)
	sums := make([]float64, n)
	banked := (Ensemble{Bank: set, Beta: 5}).Answer(m, q).Data()
	for i, v := range banked {
		sums[i%n] += math.Exp(5 * float64(v))
		near(t, "shift of a candidate", float64(v-plain.Data()[i]), float64(banked[i%n]-plain.Data()[i%n]), 1e-6)
	}
	for _, v := range sums {
		near(t, "sum over the bank", v, 1, 1e-5)
	}
}

// The baselines know the pictures they were given.
func TestBaselinesKnowTraining(t *testing.T) {
	set := pictures(t, "emoji-google")
	q, err := ask(set, set.Captions(), nil)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "neighbour", Retrieval(q.Neighbour(set), q.Truth, 1), 1, 0)
	// Of captions that training lacks, the one that shares most words is named.
	other := Question{Pictures: q.Pictures, Candidates: []string{"nothing at all", "not " + set.Captions()[0]}, Truth: []int{1}}
	near(t, "neighbour by words", Retrieval(other.Neighbour(set), other.Truth, 1), 1, 0)
	fitted, err := q.Ridge(set, 1e-6)
	if err != nil {
		t.Fatal(err)
	}
	// Without a penalty to speak of, predictions are the targets.
	want := overlaps(set.Captions(), q.Candidates)
	for i, v := range fitted.Data() {
		near(t, "fitted", float64(v), want[i], 1e-3)
	}
	if _, err := q.Ridge(set, 0); err == nil {
		t.Error("a penalty of 0 passes")
	}
}

// Fitted for each value of a pixel, the map is that fitted for each picture: here
// there are a few more pictures than values, then a few less.
func TestRidgeBothWays(t *testing.T) {
	train, _, err := data.Open("emoji-google")
	if err != nil {
		t.Fatal(err)
	}
	spec := train.Spec()
	spec.Height, spec.Width = 2, 2
	part := func(n int) *data.Set {
		var pixels []uint8
		spec.Captions = train.Captions()[:n]
		for i := range n {
			pixels = append(pixels, train.Pixels(i)[1600:1612]...)
		}
		set, err := data.FromPixels("tiny", "train", spec, train.Classes(), pixels, train.Labels()[:n])
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	many := part(30)
	q, err := ask(part(5), many.Captions()[:7], nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := q.Ridge(many, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	x := centred(many)
	a := solved(tensor.MatMulT(x, x), 0.5, overlaps(many.Captions(), q.Candidates), len(q.Candidates))
	want := tensor.MatMulT(tensor.MatMulT(centred(q.Pictures), x), tensor.Transpose(a))
	for i, v := range got.Data() {
		near(t, "ridge", float64(v), float64(want.Data()[i]), 1e-4)
	}
}

func TestSolve(t *testing.T) {
	const n, c = 9, 3
	a := wide(tensor.MatMulT(random(1, n, n), random(1, n, n)))
	for i := range n {
		a[i*n+i]++
	}
	want := wide(random(2, n, c))
	b := make([]float64, n*c)
	for i := range n {
		for k := range n {
			for j := range c {
				b[i*c+j] += a[i*n+k] * want[k*c+j]
			}
		}
	}
	factor(a, n)
	solve(a, b, n, c)
	for i := range b {
		if math.Abs(b[i]-want[i]) > 1e-9 {
			t.Errorf("%g, want %g", b[i], want[i])
		}
	}
}
