package data

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
)

var captions = []string{"a red apple", "a green apple", "red apples, 12 of them", "the greenest tree", "a café", "tree trees treetop"}

func TestTokenizerRoundTrip(t *testing.T) {
	tok, err := TrainTokenizer(captions, base+40)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"a red apple": "a red apple", "Red  APPLES": "red apples", "unseen words": "unseen words", "日本 é": "日本 é", "": "", "12!": "12 !",
	} {
		if got := tok.Decode(tok.Encode(text, 40)); got != want {
			t.Errorf("%q comes back as %q, want %q", text, got, want)
		}
	}
	if n := len(tok.Tokens("apple")); n != 1 {
		t.Errorf("a frequent word takes %d tokens", n)
	}
	slices.Reverse(captions)
	again, _ := TrainTokenizer(captions, base+40)
	if !reflect.DeepEqual(tok, again) {
		t.Error("the order of the texts changed the tokenizer")
	}
	raw, err := json.Marshal(tok)
	if err != nil {
		t.Fatal(err)
	}
	var read Tokenizer
	if err := json.Unmarshal(raw, &read); err != nil || !reflect.DeepEqual(*tok, read) {
		t.Errorf("read back otherwise (%v)", err)
	}
}

// The first merge is the most frequent pair of bytes.
func TestTokenizerMergesTheMostFrequent(t *testing.T) {
	tok, err := TrainTokenizer([]string{"abab abab xy"}, base+1)
	if err != nil {
		t.Fatal(err)
	}
	a, b, last := specials+int('a'), specials+int('b'), specials+256+int('b')
	// Of (a,b), (b,a) and (a,b at the end), each twice, the smallest comes first.
	if want := [2]int{a, b}; tok.merges[0] != want {
		t.Errorf("merged %v, want %v", tok.merges[0], want)
	}
	if got, want := tok.Tokens("abab"), []int{base, a, last}; !slices.Equal(got, want) {
		t.Errorf("tokens %v, want %v", got, want)
	}
}

func TestEncodeTruncates(t *testing.T) {
	tok, _ := TrainTokenizer(captions, base)
	got := tok.Encode("abcdef", 5)
	if want := []int{StartToken, specials + 'a', specials + 'b', specials + 'c', EndToken}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := tok.Encode("", 4); !slices.Equal(got, []int{StartToken, EndToken, PadToken, PadToken}) {
		t.Errorf("an empty text is %v", got)
	}
}

func TestTokenizerRefuses(t *testing.T) {
	if _, err := TrainTokenizer(captions, 100); err == nil {
		t.Error("a vocabulary without all bytes was accepted")
	}
	for _, bad := range []string{`{}`, `[[3,600]]`, `[[0,4]]`, `[["a","b"]]`} {
		if err := json.Unmarshal([]byte(bad), new(Tokenizer)); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}

func FuzzTokenizer(f *testing.F) {
	tok, err := TrainTokenizer(captions, base+40)
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range captions {
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, text string) {
		once := tok.Decode(tok.Tokens(text))
		if again := tok.Decode(tok.Tokens(once)); again != once {
			t.Errorf("%q, then %q", once, again)
		}
	})
}
