package data

import (
	"bytes"
	"strings"
	"testing"
)

// TestPart takes parts by their description and expects the same samples.
func TestPart(t *testing.T) {
	train, test, err := FashionMini()
	if err != nil {
		t.Fatal(err)
	}
	rest, held, err := train.Divide(500, 3)
	if err != nil {
		t.Fatal(err)
	}
	few, err := rest.PerClass(10, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []*Set{train, test, rest, held, few} {
		got, err := Part(want.Name(), want.Split())
		if err != nil || got.Digest() != want.Digest() {
			t.Errorf("%s: %v", want.Split(), err)
		}
	}
	for _, bad := range []string{"", "validation", "train/", "train/rest", "train/rest(5,", "train/some(5,1)", "train/per(10,-1)", "train/per(1000000,0)"} {
		if _, err := Part("fashion-mini", bad); err == nil || !strings.HasPrefix(err.Error(), "data: ") {
			t.Errorf("split %q: error %v", bad, err)
		}
	}
	if _, err := Part("nothing", "train"); err == nil || !strings.Contains(err.Error(), "nothing") {
		t.Errorf("an unknown set: %v", err)
	}
}

// TestApart holds what descriptions say against the samples themselves.
func TestApart(t *testing.T) {
	const parent = "train/rest(500,3)"
	parts := []string{"train", "test", "test/per(10,0)", parent, "train/held(500,3)", "train/held(100,3)", "train/held(700,3)", "train/held(500,1)",
		parent + "/per(10,0)", parent + "/per(20,0)", parent + "/per(10,1)", parent + "/rest(100,0)", parent + "/held(100,0)/per(5,0)", "train/held(500,3)/per(10,0)"}
	samples := map[string]map[string]bool{}
	for _, p := range parts {
		set, err := Part("fashion-mini", p)
		if err != nil {
			t.Fatal(err)
		}
		samples[p] = map[string]bool{}
		for i := range set.Len() {
			samples[p][string(set.Pixels(i))] = true
		}
	}
	apart := 0
	for _, a := range parts {
		for _, b := range parts {
			if !Apart(a, b) {
				continue
			}
			apart++
			for sample := range samples[b] {
				if samples[a][sample] {
					t.Errorf("%s and %s have a sample in common", a, b)
					break
				}
			}
		}
	}
	if want := 2 * (2*12 + 6*3 + 1); apart != want { // test and train, rest and held, and those of the rest
		t.Errorf("%d pairs are apart, want %d", apart, want)
	}
	for _, c := range [][2]string{{"train", "test"}, {"train/held(12,0)", "train/rest(12,0)"}, {"train/rest(12,0)/per(1,0)", "train/held(6,0)"}} {
		if !Apart(c[0], c[1]) || !Apart(c[1], c[0]) {
			t.Errorf("%v are not apart", c)
		}
	}
	for _, c := range [][2]string{{"train", "train"}, {"train", "train/held(12,0)"}, {"train/rest(12,0)", "train/held(12,1)"}, {"train/rest(12,0)", "train/held(24,0)"}, {"train/per(1,0)", "train/per(1,1)"}} {
		if Apart(c[0], c[1]) || Apart(c[1], c[0]) {
			t.Errorf("%v are apart", c)
		}
	}
}

func TestMiniRefusesCorruption(t *testing.T) {
	broken := bytes.Clone(miniPack)
	broken[len(broken)/2] ^= 1
	for _, pack := range [][]byte{nil, miniPack[:1000], broken} {
		if _, _, err := unpackMini(pack); err == nil || !strings.Contains(err.Error(), "fashion-mini") {
			t.Errorf("%d bytes: error %v", len(pack), err)
		}
	}
}

// TestMiniIsFromTheFullSet rebuilds the pack where the full set is installed.
func TestMiniIsFromTheFullSet(t *testing.T) {
	train, test, err := FashionMNIST()
	if err != nil {
		t.Skip(err)
	}
	pack, err := PackMini(train, test)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(pack, miniPack) {
		t.Errorf("the pack built now has digest %s, the embedded one %s", digest(pack), digest(miniPack))
	}
}
