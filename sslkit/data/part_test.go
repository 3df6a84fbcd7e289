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
