package clip

import (
	"slices"
	"strings"
	"testing"

	"sslnotes/sslkit/data"
	"sslnotes/sslkit/tensor"
)

func TestColours(t *testing.T) {
	said, unsaid, err := Colours("twitter")
	if err != nil {
		t.Fatal(err)
	}
	if len(said.Truth) < 40 || len(unsaid.Truth) < 1000 {
		t.Errorf("%d pictures of colours that are said, %d of others", len(said.Truth), len(unsaid.Truth))
	}
	e, err := data.LoadEmoji()
	if err != nil {
		t.Fatal(err)
	}
	// Where a concept's picture stands in one of the questions, and its answer.
	answer := func(q Question, name string) string {
		c := slices.IndexFunc(e.Concepts(), func(c data.EmojiConcept) bool { return c.Name == name })
		p := e.Picture(slices.Index(e.Styles(), "twitter"), c, [3]uint8{255, 255, 255})
		for i, at := range q.Truth {
			if slices.Equal(q.Pictures.Pixels(i), p) {
				return q.Candidates[at]
			}
		}
		return ""
	}
	for _, c := range []struct{ name, said, unsaid string }{
		{"red heart", "red", ""}, {"green apple", "green", ""}, {"frog", "", "green"}, {"crab", "", "red"},
		{"grinning face", "", "yellow"},
		{"person running", "", ""}, // two colours
	} {
		if a, b := answer(said, c.name), answer(unsaid, c.name); a != c.said || b != c.unsaid {
			t.Errorf("%s: said %q, unsaid %q", c.name, a, b)
		}
	}
	for _, q := range []Question{said, unsaid} {
		if !slices.Equal(q.Candidates, data.ColourNames) || q.Pictures.Len() != len(q.Truth) || !slices.Equal(q.Pictures.Labels(), q.Truth) {
			t.Error("a question's parts do not fit")
		}
	}
	if _, _, err := Colours("crayon"); err == nil || !strings.Contains(err.Error(), "have google, twitter") {
		t.Errorf("no such style: %v", err)
	}
}

func TestMajority(t *testing.T) {
	q := Question{Candidates: []string{"a", "b", "c"}, Truth: []int{2, 0, 2, 2, 1}}
	near(t, "majority", q.Majority(), 0.6, 0)
	always := tensor.New(5, 3)
	for i := range 5 {
		always.Data()[i*3+2] = 1
	}
	near(t, "always the same", Retrieval(always, q.Truth, 1), q.Majority(), 0)
}

// The ready-made model names the colours of a style that it never saw where the
// captions it learnt from say them. Of others it knows little, but more than chance.
func TestPretrainedColours(t *testing.T) {
	m, err := Pretrained()
	if err != nil {
		t.Fatal(err)
	}
	said, unsaid, err := Colours("twitter")
	if err != nil {
		t.Fatal(err)
	}
	if r := Retrieval(said.Answer(m), said.Truth, 1); r < 2*said.Majority() {
		t.Errorf("%.3f right of colours that captions say; always the same: %.3f", r, said.Majority())
	}
	if r := Retrieval(unsaid.Answer(m), unsaid.Truth, 1); r < 2*unsaid.Chance() {
		t.Errorf("%.3f right of other colours, chance %.3f", r, unsaid.Chance())
	}
}
