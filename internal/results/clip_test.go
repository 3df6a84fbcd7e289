package results

import (
	"os"
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
	s, err := retrieval(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| CLIP | 60.0 ± 14.1 | 80.0 ± 0.0 | 25.0 ± 0.0 | 50.0 ± 0.0 |", "| chance | 0.1 | 0.5 | 1.0 | 5.0 |", "over 2 seeds, 2.0 CPU minutes each", "1700 pictures", "none saw, twitter:", "| CLIP, by an earlier recipe | 40.0 |", "in 1 seeds under numerics 4"} {
		if !strings.Contains(s, want) {
			t.Errorf("no %q in %s", want, s)
		}
	}
	os.WriteFile(dir+"/clip/clip-2.json", []byte(`{"name":"clip-2","judged":"emoji-twitter","training":"other"}`), 0o644)
	if _, err := retrieval(dir); err == nil || !strings.Contains(err.Error(), "clip-2 is of other data") {
		t.Errorf("a run on other data: error %v", err)
	}
}
