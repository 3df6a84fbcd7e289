package results

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/pipeline"
)

// TestEmojiTable makes all rows of a small plan on emoji; the pictures asked about
// are those of unseen concepts, and those of the other style.
func TestEmojiTable(t *testing.T) {
	p := Emoji()
	p.Data, p.Seeds, p.Methods = "emoji-google", 1, []string{"colorization"}
	p.Epochs, p.Encoder, p.Tuning = map[string]int{"colorization": 1}, nn.ConvNet{Channels: []int{4, 8}}, pipeline.Tuning{Steps: 3, BatchSize: 8}
	dir := t.TempDir()
	probes := map[string]float64{"pixels-probe": 0.5, "pixels-style": 0.5, "pixels-gray": 0.5} // which take minutes
	put(t, filepath.Join(dir, EmojiDir), p, probes)
	if err := p.Execute(session(t, context.Background()), filepath.Join(dir, EmojiDir), &strings.Builder{}, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	for _, row := range p.Rows() {
		r, ok, err := read(filepath.Join(dir, EmojiDir), row)
		if err != nil || !ok {
			t.Fatalf("row %s is there: %v, %v", row.Name, ok, err)
		}
		if _, given := probes[row.Name]; given {
			continue
		}
		want := map[string]string{"train": "emoji-google/train", "test": "emoji-google/test"}
		if strings.HasPrefix(row.Judge, onStyle) {
			want = map[string]string{"train": "emoji-google/on-twitter/train", "test": "emoji-google/on-twitter/test"}
		}
		if strings.HasPrefix(row.Judge, inGray) {
			want = map[string]string{"train": "emoji-google/gray/train", "test": "emoji-google/gray/test"}
		}
		want["unlabelled"] = want["train"] // by which gray features are standardised
		for _, d := range r.Data {
			if name := d.Name + "/" + d.Split; row.Judge != "" && name != want[d.Role] {
				t.Errorf("%s has %s for %s, want %s", row.Name, name, d.Role, want[d.Role])
			}
		}
		if n := len(r.Data); row.Judge != "" && n != 2 && !(n == 3 && row.Judge == inGray) {
			t.Errorf("%s tells of %d sets", row.Name, n)
		}
	}
}

// TestEmojiSection shows what rows of the plan say.
func TestEmojiSection(t *testing.T) {
	dir := t.TempDir()
	if s, err := Emoji().emojiSection(dir); s != "" || err != nil {
		t.Errorf("without rows: %q, %v", s, err)
	}
	accuracy := map[string]float64{
		"colorization-1-probe": 0.6, "colorization-2-probe": 0.7, "random-1-probe": 0.5, "random-2-probe": 0.55,
		"pixels-knn": 0.4, "pixels-style-knn": 0.7, "colorization-1-style": 0.72, "colorization-2-style": 0.74,
		"supervised-1": 0.75, "supervised-1-style": 0.8, "supervised-1-gray": 0.7, "colorization-1-gray": 0.62,
	}
	put(t, filepath.Join(dir, EmojiDir), Emoji(), accuracy)
	s, err := Emoji().emojiSection(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| colorization | 65.0 ± 7.1 | – | 73.0 ± 1.4 | – | 62.0 | +12.5 ± 2.5 |",
		"| supervised from scratch | 75.0 | – | 80.0 | – | 70.0 |  |",
		"| raw pixels | – | 40.0 | – | 70.0 | – |  |",
		"| colorization's probe − raw pixels' neighbours, unseen concepts | +25.0 | 5.0 | 2 |",
		"| colorization's probe − raw pixels' neighbours, unseen style | +3.0 | 1.0 | 2 |",
		"12 of 249 rows",
	} {
		if !strings.Contains(s, want) {
			t.Errorf("no %q in\n%s", want, s)
		}
	}
}
