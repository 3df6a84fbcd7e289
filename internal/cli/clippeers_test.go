package cli

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sslnotes/internal/results"
	"sslnotes/sslkit/clip"
	"sslnotes/sslkit/data"
)

// TestExportIsTheSet makes the set again from the files of its export, by its
// digest the same, and the tokenizer, which is that of the model that trained on
// the set and gives the tokens that stand beside.
func TestExportIsTheSet(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	if err := exportSet(dir); err != nil {
		t.Fatal(err)
	}
	var e exportedSet
	text, err := os.ReadFile(filepath.Join(dir, exportedText))
	if err == nil {
		err = json.Unmarshal(text, &e)
	}
	if err != nil {
		t.Fatal(err)
	}
	pixels, err := os.ReadFile(filepath.Join(dir, exportedPixels))
	if err != nil {
		t.Fatal(err)
	}
	set, _, err := data.Open(clip.RecipeData)
	if err != nil {
		t.Fatal(err)
	}
	spec := set.Spec()
	spec.Height, spec.Width, spec.Channels, spec.Captions = e.Shape[1], e.Shape[2], e.Shape[3], e.Captions
	again, err := data.FromPixels(e.Name, "train", spec, set.Classes(), pixels, e.Labels)
	if err != nil {
		t.Fatal(err)
	}
	if again.Digest() != set.Digest() || e.Digest != set.Digest() || again.Len() != e.Shape[0] {
		t.Errorf("%d images with digest %s, told to be %d with %s, want %d with %s", again.Len(), again.Digest(), e.Shape[0], e.Digest, set.Len(), set.Digest())
	}
	m, err := clip.Pretrained()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(e.Merges, m.Tokenizer().Merges()) || e.Size != m.Vocabulary {
		t.Errorf("%d merges to at most %d tokens, want the %d of the model with %d tokens", len(e.Merges), e.Size, len(m.Tokenizer().Merges()), m.Vocabulary)
	}
	tokenizer, err := data.NewTokenizer(e.Merges)
	if err != nil || len(e.Tokens) != len(e.Captions) {
		t.Fatalf("%d captions in tokens of %d, %v", len(e.Tokens), len(e.Captions), err)
	}
	for i, c := range e.Captions {
		if !slices.Equal(e.Tokens[i], tokenizer.Tokens(c)) {
			t.Fatalf("tokens %v of %q, want %v", e.Tokens[i], c, tokenizer.Tokens(c))
		}
	}
}

// TestAskPeers takes the model that comes with the program for one of PyTorch's:
// it answers as its run did. One that is of other data, or whose features are
// others than its description says, is refused.
func TestAskPeers(t *testing.T) {
	m, err := clip.Pretrained()
	if err != nil {
		t.Fatal(err)
	}
	training, _, err := data.Open(clip.RecipeData)
	if err != nil {
		t.Fatal(err)
	}
	wide := func(x []float32) (y []float64) {
		for _, v := range x {
			y = append(y, float64(v))
		}
		return y
	}
	from, dir := t.TempDir(), t.TempDir()
	good := results.Peer{Method: "clip", Seed: 7, Steps: 9, Data: training.Digest(),
		Features: wide(m.Embed(training, []int{0}).Data()), Text: wide(m.TextFeatures(training.Captions()[:1]).Data())}
	weights := filepath.Join(from, "clip-7.safetensors")
	if err := writeWeights(weights, m); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	ask := func(p results.Peer) error {
		text, err := json.Marshal(p)
		if err == nil {
			err = os.WriteFile(filepath.Join(from, "clip-7.json"), text, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
		return (&app{out: &out}).askPeers(retrieveOptions{peers: from, dir: dir, style: "emoji-twitter"})
	}
	for _, bad := range []struct {
		change func(*results.Peer)
		want   string
	}{
		{func(p *results.Peer) { p.Data = "abc" }, "digest abc"},
		{func(p *results.Peer) { p.Features = p.Text }, "features of an image"},
		{func(p *results.Peer) { p.Text = p.Features }, "features of a caption"},
		{func(p *results.Peer) { p.Text = nil }, "0 features of a caption"},
	} {
		p := good
		bad.change(&p)
		if err := ask(p); err == nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("error %v, want %q", err, bad.want)
		}
	}
	whole, err := os.ReadFile(weights)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"mean": "features of an image", "tokenizer": "its tokenizer is not"} {
		if err := os.WriteFile(weights, turned(t, whole, name), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := ask(good); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("of another %s: error %v, want %q", name, err, want)
		}
	}
	if err := os.WriteFile(weights, whole, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := ask(good); err != nil {
		t.Fatal(err)
	}
	have, err := results.ReadRetrieval(dir, "torch-7")
	if err != nil {
		t.Fatal(err)
	}
	want, err := results.ReadRetrieval("../../sslkit/results/clip", "long-1")
	if err != nil {
		t.Fatal(err)
	}
	if len(have.Answers) != 1 || have.Answers[0].Retrieval != want.Answers[0].Retrieval || have.Training != want.Training || have.Held != want.Held {
		t.Errorf("it answers %+v of %s, its run %+v of %s", have.Answers, have.Training, want.Answers, want.Training)
	}
	if p := have.Peer; p == nil || p.Steps != 9 || p.Apart != 0 || p.Features != nil || p.Text != nil {
		t.Errorf("the peer is kept as %+v", p)
	}
	again := good
	again.Steps = 10
	if err := ask(again); err != nil {
		t.Fatal(err)
	}
	if kept, err := results.ReadRetrieval(dir, "torch-7"); err != nil || kept.Peer.Steps != 9 {
		t.Errorf("a peer was asked again: %+v, %v", kept.Peer, err)
	}
	if err := (&app{out: &out}).askPeers(retrieveOptions{peers: dir}); err != nil || !strings.Contains(out.String(), "no clip-1.json") {
		t.Errorf("of a folder without peers it says %q, error %v", out.String(), err)
	}
}

// turned is a file of weights with the last values of a buffer rotated by two:
// a tokenizer's last two pairs, or three means.
func turned(t *testing.T, file []byte, name string) []byte {
	body := 8 + int(binary.LittleEndian.Uint64(file))
	var head map[string]struct {
		Offsets [2]int `json:"data_offsets"`
	}
	if err := json.Unmarshal(file[8:body], &head); err != nil {
		t.Fatal(err)
	}
	file = slices.Clone(file)
	values := file[body+head[name].Offsets[0] : body+head[name].Offsets[1]]
	last := values[max(0, len(values)-16):]
	copy(last, slices.Concat(last[8:], last[:8]))
	return file
}
