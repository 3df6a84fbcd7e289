package clip

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sslnotes/sslkit"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/museum"
	"sslnotes/sslkit/tensor"
)

// findings is a list of what a check found.
type findings []string

func (f *findings) Helper() {}

func (f *findings) Errorf(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

// TestMuseumInfoNCE: of the checks of the loss those and no others find a faulty
// one that are named here, by its report.
func TestMuseumInfoNCE(t *testing.T) {
	type infoNCE = func(images, texts, scale *tensor.Tensor) *tensor.Tensor
	const value, forms, gradient = "equals naive", "closed forms", "gradient"
	found := map[string][]string{
		"images look for captions only (lucidrains/DALLE-pytorch#32)":                 {value, gradient},
		"captions look for images only ()":                                            {value, gradient},
		"both directions added, not averaged ()":                                      {forms, value, gradient},
		"rows not normalised (moein-shariatnia/OpenAI-CLIP#16)":                       {forms, value, gradient},
		"rows standardised, not normalised (lucidrains/CoCa-pytorch#10)":              {forms, value, gradient},
		"logarithm of the scale used (BAAI-DCAI/M3D#64)":                              {forms, value, gradient},
		"scale exponentiated twice (Imageomics/bioclip#39)":                           {forms, value, gradient},
		"divided by the scale ()":                                                     {forms, value, gradient},
		"no gradient to the scale ()":                                                 {gradient},
		"each side's gradient stops at the other (facebookresearch/SLIP#31)":          {gradient},
		"exponentials without their maximum (Lightning-Universe/lightning-bolts#320)": {forms},
	}
	shown := museum.Exhibits("InfoNCE")
	if len(shown) != len(found) {
		t.Errorf("%d exhibits, want %d", len(shown), len(found))
	}
	for _, e := range shown {
		name := e.Name + " (" + e.Source + ")"
		t.Run(name, func(t *testing.T) {
			loss := e.Func.(infoNCE)
			atExponential := func(a, b *tensor.Tensor, _ []int, s *tensor.Tensor) *tensor.Tensor { return loss(a, b, tensor.Exp(s)) }
			var byForms, byGradient, byValue findings
			closedForms(&byForms, loss)
			equalsNaive(&byValue, atExponential, func(n int) [][]int { return [][]int{numbers(n)} })
			gradientIsRight(&byGradient, atExponential, numbers(5))
			var by []string
			for check, f := range map[string]findings{value: byValue, forms: byForms, gradient: byGradient} {
				if len(f) > 0 {
					by = append(by, check)
				}
			}
			slices.Sort(by)
			if want := slices.Sorted(slices.Values(found[name])); len(want) == 0 || !slices.Equal(by, want) {
				t.Errorf("found by %q, want %q", by, want)
			}
		})
	}
}

// TestMuseumLogScale: BAAI-DCAI/M3D#64, the learned logarithm taken for the scale
// in training.
func TestMuseumLogScale(t *testing.T) {
	m := built(t, small())
	var f findings
	scaledByExponential(&f, m, func(b data.Batch, _ sslkit.Step) *tensor.Tensor {
		return InfoNCE(m.images(b.Views[0], true), m.texts(b.Texts), m.scale.Value)
	})
	if len(f) == 0 {
		t.Error("not found")
	}
}

// TestMuseumPooledPadding: mlfoundations/open_clip had a pooling by the maximum
// that took the padding for the text (its changelog); StarlightSearch/EmbedAnything#213
// and huggingface/transformers#39269 are of its kind.
func TestMuseumPooledPadding(t *testing.T) {
	m := built(t, small())
	pooled := func(pool func(tokens *tensor.Tensor, lengths []int) *tensor.Tensor) func([]string) *tensor.Tensor {
		return func(texts []string) *tensor.Tensor {
			ids, lengths := m.encode(texts)
			return pool(m.text.Tokens(ids, len(texts), lengths), lengths)
		}
	}
	for name, pool := range map[string]func(tokens *tensor.Tensor, lengths []int) *tensor.Tensor{
		"right: maximum of the text": func(x *tensor.Tensor, lengths []int) *tensor.Tensor {
			return largest(x, func(text, place int) bool { return place < lengths[text] })
		},
		"right: mean of the text": tensor.MeanTokens,
		"mean of all":             func(x *tensor.Tensor, _ []int) *tensor.Tensor { return tensor.MeanTokens(x, nil) },
		"maximum of the padding": func(x *tensor.Tensor, lengths []int) *tensor.Tensor {
			return largest(x, func(text, place int) bool { return place >= lengths[text] })
		},
		"last of all": func(x *tensor.Tensor, _ []int) *tensor.Tensor {
			return tensor.MeanTokens(tensor.SliceTokens(x, x.Dim(1)-1, x.Dim(1)), nil)
		},
	} {
		var f findings
		paddingIsIgnored(&f, pooled(pool))
		if right := strings.HasPrefix(name, "right"); right != (len(f) == 0) {
			t.Errorf("%s: found %q", name, f)
		}
	}
}

// largest is the maximum of the tokens [N,T,D] that count, 0 if none does.
func largest(x *tensor.Tensor, counts func(text, place int) bool) *tensor.Tensor {
	n, t, d := x.Dim(0), x.Dim(1), x.Dim(2)
	out := tensor.New(n, d)
	for i := range n {
		for j := range d {
			first := true
			for p := range t {
				if v := x.Data()[(i*t+p)*d+j]; counts(i, p) && (first || v > out.Data()[i*d+j]) {
					out.Data()[i*d+j], first = v, false
				}
			}
		}
	}
	return out
}
