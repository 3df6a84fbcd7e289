package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sslnotes/internal/results"
	"sslnotes/sslkit/clip"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/pipeline"
	"sslnotes/sslkit/tensor"
)

// An exportedSet is what clip.py reads beside the file of pixels.
type exportedSet struct {
	Name     string   `json:"name"`
	Digest   string   `json:"digest"`
	Shape    [4]int   `json:"shape"`  // of the pixels, bytes
	Labels   []int    `json:"labels"` // for the digest alone
	Captions []string `json:"captions"`
	Merges   [][2]int `json:"merges"`     // of the tokenizer, in the order of their ranks
	Size     int      `json:"vocabulary"` // at most
	Tokens   [][]int  `json:"tokens"`     // of the captions, for clip.py's tokenizer to be held against
}

// The files of an exported set.
const (
	exportedPixels = "pixels"
	exportedText   = "set.json"
)

// exportSet writes what clip.Recipe trains on into a folder, which it makes.
func exportSet(dir string) error {
	set, _, err := data.Open(clip.RecipeData)
	if err != nil {
		return err
	}
	t, size, err := recipeTokenizer(set)
	if err != nil {
		return err
	}
	s := set.Spec()
	e := exportedSet{Name: set.Name(), Digest: set.Digest(), Shape: [4]int{set.Len(), s.Height, s.Width, s.Channels},
		Labels: set.Labels(), Captions: set.Captions(), Merges: t.Merges(), Size: size}
	var pixels []byte
	for i, c := range e.Captions {
		pixels = append(pixels, set.Pixels(i)...)
		e.Tokens = append(e.Tokens, t.Tokens(c))
	}
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	return errors.Join(writeFile(filepath.Join(dir, exportedPixels), pixels), writeFile(filepath.Join(dir, exportedText), text))
}

// recipeTokenizer returns the tokenizer that clip.Recipe learns from a set, and
// the most tokens it may have.
func recipeTokenizer(set *data.Set) (*data.Tokenizer, int, error) {
	_, m, _ := clip.Recipe()
	t, err := data.TrainTokenizer(set.Captions(), m.Vocabulary)
	return t, m.Vocabulary, err
}

// askPeers asks the models that clip.py left in o.peers what makeRetrieval asks
// ours, and leaves what they answer in o.dir. Those that were asked are left
// alone.
func (a *app) askPeers(o retrieveOptions) error {
	files, err := filepath.Glob(filepath.Join(o.peers, "clip-*.json"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		fmt.Fprintf(a.out, "%s has no clip-1.json, as sslkit/bench/peers/clip.py leaves it\n", o.peers)
		return nil
	}
	r, err := questions(clip.RecipeData, o.style)
	if err != nil {
		return err
	}
	for _, file := range files {
		p, err := results.ReadPeer(file)
		if err != nil {
			return err
		}
		f := r.about(fmt.Sprintf("%s-%d", results.PeerPrefix, p.Seed), o)
		if results.HasRetrieval(o.dir, f.Name) {
			continue
		}
		if err := r.askPeer(&f, p, strings.TrimSuffix(file, ".json")+".safetensors"); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if err := f.Write(o.dir); err != nil {
			return err
		}
		fmt.Fprintf(a.out, "%s is in %s, features %.1g apart\n", f.Name, o.dir, f.Peer.Apart)
	}
	return nil
}

// askPeer asks a peer with the weights in a file. It returns an error if it was
// trained on other data than ours, or does not compute what PyTorch computed
// with it.
func (r retrieval) askPeer(f *results.RetrievalFile, p results.Peer, file string) error {
	weights, err := os.Open(file)
	if err != nil {
		return err
	}
	defer weights.Close()
	m, err := clip.ReadWeights(weights)
	if err != nil {
		return err
	}
	text := m.TextFeatures(r.training.Captions()[:1])
	first := []int{0}
	image, normalised := m.Embed(r.training, first), m.ImageFeatures(pipeline.Images(r.training, first)) // by its statistics and by ours
	if err := p.Compare(r.training.Digest(), text.Data(), image.Data(), normalised.Data()); err != nil {
		return err
	}
	t, _, err := recipeTokenizer(r.training)
	if err != nil {
		return err
	}
	if !slices.Equal(m.Tokenizer().Merges(), t.Merges()) {
		return errors.New("its tokenizer is not that of the training captions")
	}
	f.Peer, f.Seed, f.Numerics = &p, p.Seed, tensor.Numerics
	r.ask(f, "CLIP in PyTorch", m, false)
	return nil
}
