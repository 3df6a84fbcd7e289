package results

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRetrievalSection(t *testing.T) {
	dir := t.TempDir()
	if s, err := retrieval(dir); s != "" || err != nil {
		t.Errorf("without files: %q, %v", s, err)
	}
	base := RetrievalFile{Name: "baselines", Judged: "emoji-twitter", Training: "abc", Pictures: 7000, Seen: 1700, Candidates: 1900, Held: 190}
	base.Add("chance", Retrieval{0.001, 0.005, 0.01, 0.05})
	if err := base.Write(dir + "/clip"); err != nil {
		t.Fatal(err)
	}
	for i, seen := range []float64{0.5, 0.7, 0.4} {
		f := RetrievalFile{Name: []string{"clip-1", "clip-2", "earlier-1"}[i], Judged: "emoji-twitter", Training: "abc", Numerics: "4", CPU: 120}
		f.Add("CLIP", Retrieval{seen, 0.8, 0.25, 0.5})
		if err := f.Write(dir + "/clip"); err != nil {
			t.Fatal(err)
		}
	}
	f := RetrievalFile{Name: "long-1", Judged: "emoji-twitter", Training: "abc", CPU: 600}
	f.Add("CLIP", Retrieval{0.62, 0.8, 0.3, 0.5})
	f.Add("CLIP, by an ensemble", Retrieval{0.64, 0.8, 0.32, 0.5})
	if err := f.Write(dir + "/clip"); err != nil {
		t.Fatal(err)
	}
	s, err := retrieval(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| CLIP, long | 62.0 | 80.0 | 30.0 | 50.0 |\n| CLIP, long, by an ensemble | 64.0 |", "the long ones 10.0", "| CLIP | 60.0 ± 14.1 | 80.0 ± 0.0 | 25.0 ± 0.0 | 50.0 ± 0.0 |", "| chance | 0.1 | 0.5 | 1.0 | 5.0 |", "over 2 seeds, 2.0 CPU minutes each", "1700 pictures", "none saw, twitter:", "| CLIP, by an earlier recipe | 40.0 |", "in 1 seeds under numerics 4"} {
		if !strings.Contains(s, want) {
			t.Errorf("no %q in %s", want, s)
		}
	}
	fold := RetrievalFile{Name: "long-fold-1", Judged: "emoji-twitter/fold-1", Training: "def"}
	fold.Add("CLIP", Retrieval{0.66, 0.8, 0.34, 0.5})
	fold.Add("CLIP, by an ensemble", Retrieval{0.7, 0.8, 0.4, 0.5})
	if err := fold.Write(dir + "/clip"); err != nil {
		t.Fatal(err)
	}
	if s, err := retrieval(dir); err != nil || !strings.Contains(s, "| CLIP, long, over 2 choices of concepts to hold out, by an ensemble | 67.0 ± 4.2 | 80.0 ± 0.0 | 36.0 ± 5.7 | 50.0 ± 0.0 |") {
		t.Errorf("other concepts held out: %v\n%s", err, s)
	}
	aims, err := retrievalAims(dir + "/clip")
	if err != nil {
		t.Fatal(err)
	}
	met := map[string]bool{}
	for _, a := range aims {
		met[a.what] = a.verdict() == "met"
	}
	const by = "CLIP, long, by an ensemble"
	const over = "CLIP, long, over choices of concepts to hold out, by an ensemble"
	if want := map[string]bool{by + ": R@1 of seen concepts": false, by + ": R@1 of held-out concepts": true,
		over + ": R@1 of seen concepts": true, over + ": R@1 of held-out concepts": true}; !maps.Equal(met, want) {
		t.Errorf("aims %v, want %v", met, want)
	}
	wide := f
	wide.Name, wide.CPU = "wide-1", 660
	if err := wide.Write(dir + "/clip"); err != nil {
		t.Fatal(err)
	}
	if s, err := retrieval(dir); err != nil || !strings.Contains(s, "| CLIP, wide, by an ensemble | 64.0 | 80.0 | 32.0 | 50.0 |") || !strings.Contains(s, "the wide ones 11.0") || strings.Contains(s, "CLIP, wide, over") {
		t.Errorf("the wide recipe: %v\n%s", err, s)
	}
	for i, name := range []string{"together-1", "together-fold-1"} {
		f := RetrievalFile{Name: name, Judged: FoldOf("emoji-twitter", i), Training: []string{"abc", "def"}[i]}
		f.With(RetrievalFile{Name: "long-1"})
		f.With(RetrievalFile{Name: "long-2"})
		f.Add("CLIP, 2 runs together", Retrieval{0.7, 0.8, 0.3 + float64(i)/10, 0.5})
		if err := f.Write(dir + "/clip"); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"long-2", "long-fold-1-2"} {
		f := fold
		if f.Name, f.Seed = name, 2; name == "long-2" {
			f.Judged, f.Training = "emoji-twitter", "abc"
		}
		if err := f.Write(dir + "/clip"); err != nil {
			t.Fatal(err)
		}
	}
	s, err = retrieval(dir)
	for _, want := range []string{
		"| CLIP, long, of all seeds together, by an ensemble | 70.0 | 80.0 | 30.0 | 50.0 |",
		"| CLIP, long, of all seeds together, over 2 choices of concepts to hold out, by an ensemble | 70.0 ± 0.0 | 80.0 ± 0.0 | 35.0 ± 7.1 |",
		"| CLIP, long, over 2 choices of concepts to hold out and 2 seeds, by an ensemble | 68.5 ± 3.0 |", // of 64, 70, 70 and 70
	} {
		if err != nil || !strings.Contains(s, want) {
			t.Errorf("no %q, %v in\n%s", want, err, s)
		}
	}
	fold.Judged = "emoji-twitter"
	if err := fold.Write(dir + "/clip"); err != nil {
		t.Fatal(err)
	}
	if _, err := retrieval(dir); err == nil || !strings.Contains(err.Error(), "long-fold-1 is of other data") {
		t.Errorf("a fold of no other concepts: error %v", err)
	}
	for _, name := range []string{"long-fold-1", "long-fold-1-2", "together-fold-1"} {
		if err := os.Remove(dir + "/clip/" + name + ".json"); err != nil {
			t.Fatal(err)
		}
	}
	os.WriteFile(dir+"/clip/clip-2.json", []byte(`{"name":"clip-2","judged":"emoji-twitter","training":"other"}`), 0o644)
	if _, err := retrieval(dir); err == nil || !strings.Contains(err.Error(), "clip-2 is of other data") {
		t.Errorf("a run on other data: error %v", err)
	}
}

// TestRetrievalTried shows what other recipes answered, the best last, by what they
// do otherwise, and refuses what was asked about the style of the results.
func TestRetrievalTried(t *testing.T) {
	dir := t.TempDir()
	put := func(name, judged, config string, r Retrieval, write func(RetrievalFile, string) error) {
		t.Helper()
		f := RetrievalFile{Name: name, Judged: judged, Training: "abc", Seen: 900, Held: 136, Config: json.RawMessage(config)}
		f.Add("CLIP", r)
		if name == "clip-aa" {
			f.Add("CLIP, by an ensemble", Retrieval{0.5, 0.7, 0.3, 0.5})
		}
		if err := write(f, filepath.Join(dir, "clip")); err != nil {
			t.Fatal(err)
		}
	}
	recipe := `{"Schedule":{"Steps":3000,"BatchSize":256,"Seed":1},"Encoder":{"type":"nn.ConvNet","Channels":[32,64]},"Method":{"Dim":64,"Map":true,"Augment":[{"type":"augment.Crop","MinArea":0.6}]}}`
	other := `{"Schedule":{"Steps":6000,"BatchSize":256,"Seed":2},"Encoder":{"type":"nn.ConvNet","Channels":[64,128]},"Method":{"Dim":64,"Augment":[{"type":"augment.Crop","MinArea":0.4}]}}`
	put("baselines", "emoji-twitter", `{}`, Retrieval{}, RetrievalFile.Write)
	put("clip-1", "emoji-twitter", recipe, Retrieval{0.6, 0.8, 0.24, 0.4}, RetrievalFile.Write)
	put("clip-aa", "emoji-blobs", other, Retrieval{0.4, 0.6, 0.2, 0.4}, RetrievalFile.WriteTried)
	put("clip-bb", "emoji-blobs", recipe, Retrieval{0.3, 0.5, 0.1, 0.3}, RetrievalFile.WriteTried)
	s, err := retrieval(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := "| nothing | 3000 × 256 | 30.0 | 50.0 | 10.0 | 30.0 |\n| Channels [64 128], Crop.MinArea 0.4, no Map | 6000 × 256 | 40.0 | 60.0 | 20.0 | 40.0 |\n| Channels [64 128], Crop.MinArea 0.4, no Map, by an ensemble | 6000 × 256 | 50.0 | 70.0 | 30.0 | 50.0 |\n"
	if !strings.HasSuffix(s, want) || !strings.Contains(s, "asked about blobs, 900 pictures") {
		t.Errorf("no %q in\n%s", want, s)
	}
	if all, err := TriedSteps(dir); len(all) > 0 || err != nil {
		t.Errorf("recipes of one length each: %v, %v", all, err)
	}
	shorter := func(config string) string { return strings.Replace(config, "000", "500", 1) }
	put("length-clip-3500", "emoji-blobs", shorter(recipe), Retrieval{0.35, 0.5, 0.15, 0.3}, RetrievalFile.WriteTried)
	put("length-long-6500", "emoji-blobs", shorter(other), Retrieval{0.45, 0.5, 0.25, 0.3}, RetrievalFile.WriteTried)
	put("long-1", "emoji-twitter", other, Retrieval{0.6, 0.8, 0.24, 0.4}, RetrievalFile.Write)
	if all, err := TriedSteps(dir); err != nil || fmt.Sprint(all) != "[{clip.Recipe [3000 3500] [0.3 0.35] [0.1 0.15]} {clip.LongRecipe [6000 6500] [0.5 0.45] [0.3 0.25]}]" {
		t.Errorf("two lengths of each recipe: %v, %v", all, err)
	}
	with := RetrievalFile{Judged: "emoji-blobs", Training: "abc", Seen: 900, Held: 136}
	for _, name := range []string{"clip-aa", "clip-bb"} {
		with.With(RetrievalFile{Name: name})
	}
	with.Add("CLIP, 2 runs together", Retrieval{0.55, 0.7, 0.35, 0.5})
	if err := with.WriteTried(filepath.Join(dir, "clip")); err != nil || !HasTried(filepath.Join(dir, "clip"), "together-aa-bb") {
		t.Fatal(err, "or another name")
	}
	if s, err := retrieval(dir); err != nil || !strings.Contains(s, "| 2 of these together, by an ensemble | | 55.0 | 70.0 | 35.0 | 50.0 |\n\n![R@1 of seen") {
		t.Errorf("runs together, or the figure, are not shown, %v:\n%s", err, s)
	}
	put("clip-cc", "emoji-fluent", recipe, Retrieval{}, RetrievalFile.WriteTried)
	if _, err := retrieval(dir); err == nil || !strings.Contains(err.Error(), "clip-cc.json is of other data") {
		t.Errorf("asked about another style than the rest: error %v", err)
	}
	put("clip-cc", "emoji-twitter", recipe, Retrieval{}, RetrievalFile.WriteTried)
	if _, err := retrieval(dir); err == nil || !strings.Contains(err.Error(), "clip-cc.json is about emoji-twitter") {
		t.Errorf("asked about the style of the results: error %v", err)
	}
}

// TestRetrievalBesidePyTorch shows PyTorch's CLIP beside ours with the
// difference, and refuses one of another budget or other data.
func TestRetrievalBesidePyTorch(t *testing.T) {
	dir := t.TempDir()
	put := func(name, training string, r Retrieval, change func(f *RetrievalFile)) {
		t.Helper()
		f := RetrievalFile{Name: name, Judged: "emoji-twitter", Training: training}
		f.Add("CLIP", r)
		change(&f)
		if err := f.Write(filepath.Join(dir, "clip")); err != nil {
			t.Fatal(err)
		}
	}
	ours := func(f *RetrievalFile) { f.Config = json.RawMessage(`{"Schedule":{"Steps":3000,"BatchSize":256}}`) }
	theirs := func(steps, batch int) func(f *RetrievalFile) {
		return func(f *RetrievalFile) { f.Peer = &Peer{Method: "clip", Steps: steps, Batch: batch} }
	}
	put("baselines", "abc", Retrieval{}, func(*RetrievalFile) {})
	put("clip-1", "abc", Retrieval{0.60, 0.80, 0.24, 0.4}, ours)
	put("clip-2", "abc", Retrieval{0.64, 0.80, 0.20, 0.4}, ours)
	if s, err := retrieval(dir); err != nil || strings.Contains(s, "PyTorch") {
		t.Errorf("without peers, PyTorch is spoken of, or %v:\n%s", err, s)
	}
	withMore, err := ReadRetrieval(filepath.Join(dir, "clip"), "clip-1")
	if err != nil {
		t.Fatal(err)
	}
	withMore.Add("CLIP, by an ensemble", Retrieval{0.7, 0.9, 0.3, 0.5})
	if err := withMore.Write(filepath.Join(dir, "clip")); err != nil {
		t.Fatal(err)
	}
	if s, err := retrieval(dir); err != nil || !strings.Contains(s, "| CLIP, by an ensemble | 70.0 | 90.0 | 30.0 | 50.0 |") {
		t.Errorf("an ensemble's answers are not shown, or %v:\n%s", err, s)
	}
	put("clip-1", "abc", Retrieval{0.60, 0.80, 0.24, 0.4}, ours)
	put("torch-1", "abc", Retrieval{0.63, 0.81, 0.21, 0.5}, theirs(3000, 256))
	s, err := retrieval(dir)
	if err != nil {
		t.Fatal(err)
	}
	if want := "| CLIP above PyTorch's | -1.0 (one seed) | -1.0 (one seed) | +1.0 (one seed) | -10.0 (one seed) |"; !strings.Contains(s, want) {
		t.Errorf("no %q in\n%s", want, s)
	}
	put("torch-2", "abc", Retrieval{0.59, 0.83, 0.19, 0.5}, theirs(3000, 256))
	put("torch-3", "abc", Retrieval{0.58, 0.82, 0.17, 0.5}, theirs(3000, 256))
	if s, err = retrieval(dir); err != nil {
		t.Fatal(err)
	}
	// √(0.0008/2 + 0.0007/3) is 0.0252, √(0.0008/2 + 0.0004/3) is 0.0231, and
	// √(0.0001/3) is 0.0058.
	for _, want := range []string{
		"| CLIP | 62.0 ± 2.8 | 80.0 ± 0.0 | 22.0 ± 2.8 | 40.0 ± 0.0 |\n" +
			"| CLIP in PyTorch | 60.0 ± 2.6 | 82.0 ± 1.0 | 19.0 ± 2.0 | 50.0 ± 0.0 |\n" +
			"| CLIP above PyTorch's | +2.0 ± 2.5 | -2.0 ± 0.6 | +3.0 ± 2.3 | -10.0 ± 0.0 |\n",
		"in 3 seeds",
	} {
		if !strings.Contains(s, want) {
			t.Errorf("no %q in\n%s", want, s)
		}
	}
	for _, bad := range []struct {
		training string
		change   func(f *RetrievalFile)
		want     string
	}{
		{"abc", theirs(20, 256), "torch-3 was trained for 20 steps of 256, clip-1 for 3000 of 256"},
		{"abc", theirs(3000, 64), "torch-3 was trained for 3000 steps of 64"},
		{"abc", ours, "torch-3 does not say how PyTorch trained it"},
		{"other", theirs(3000, 256), "torch-3 is of other data"},
	} {
		put("torch-3", bad.training, Retrieval{}, bad.change)
		if _, err := retrieval(dir); err == nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("error %v, want %q", err, bad.want)
		}
	}
}
