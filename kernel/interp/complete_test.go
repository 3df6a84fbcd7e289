package interp

import (
	"slices"
	"strings"
	"testing"
)

func prepared(t *testing.T) *Engine {
	t.Helper()
	e := New()
	for _, code := range []string{
		"import (\n\t\"strings\"\n\t\"sslnotes/sslkit/pretext\"\n\t\"sslnotes/sslkit/nn\"\n)",
		"type Point struct { X, Y int; label string }\nfunc (p *Point) Move(dx int) {}\nfunc (p Point) Norm() int { return 0 }",
		"origin := Point{X: 3}; names := []string{\"a\"}; rotation := &pretext.Rotation{}",
	} {
		if _, err := e.Eval(t.Context(), code); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

// In the codes below, | is the cursor.
func TestComplete(t *testing.T) {
	e := prepared(t)
	for _, c := range []struct {
		code  string
		want  string // words that must be proposed
		never string // words that must not
	}{
		{"ori|", "origin", "names"},
		{"origin.|", "X Y label Move Norm", "origin"},
		{"origin.M|", "Move", "Norm"},
		{"x := origin.Nor|", "Norm", "Move"},
		{"strings.ToU|", "ToUpper ToUpperSpecial", "ToLower"},
		{"sort.St|", "Strings Stable", "Ints"},
		{"import \"sslnotes/sslk|", "sslnotes/sslkit sslnotes/sslkit/nn", "strings"},
		{"import (\n\t\"fmt\"\n\tm \"math/|", "math/rand math/bits", "fmt"},
		{"Point{|", "X:", ""},
		{"p := Point{X: 1, |", "Y:", "X:"},
		{"nn.ConvNet{|", "", "nosuch"},
		{"for i := range nam|", "names", ""},
		{"if origin.X > 1 {\n\torigin.|", "Norm", ""},
		{"func f(alpha int) {\n\tbeta := 1\n\tprintln(a|", "alpha append", "beta"},
		{"func f(alpha int) {\n\tbeta := 1\n\tbe|", "beta", "alpha"},
		{"rotation.|", "Name", ""},
		{"ret|", "return", ""},
		{"strings.Repeat(nam|", "names", ""},
		{"strings.NewReader(\"a\").|", "ReadByte Len", ""},
		{"names[0]; \"stri|", "", "strings"},
		{"bytes.Buf|", "Buffer", ""},
		{"origin.X + )|", "", ""},
	} {
		cursor := strings.Index(c.code, "|")
		got := e.Complete(strings.Replace(c.code, "|", "", 1), cursor)
		var words []string
		for _, m := range got.Matches {
			words = append(words, strings.TrimSpace(m.Text))
		}
		for _, w := range strings.Fields(c.want) {
			if !slices.Contains(words, w) {
				t.Errorf("%s proposes %v, want %q", c.code, words, w)
			}
		}
		for _, w := range strings.Fields(c.never) {
			if slices.Contains(words, w) {
				t.Errorf("%s proposes %q", c.code, w)
			}
		}
		if got.Start > got.End || got.End != cursor {
			t.Errorf("%s replaces [%d, %d), want an end of %d", c.code, got.Start, got.End, cursor)
		}
	}
}

func TestInspect(t *testing.T) {
	e := prepared(t)
	for _, c := range []struct{ code, want string }{
		{"strings.ToUp|per(\"a\")", "ToUpper returns s with all Unicode letters mapped to their upper case"},
		{"stri|ngs.ToUpper", "package strings"},
		{"orig|in", "var origin Point\n\n{3 0 }"},
		{"origin.X|", "field X int"},
		{"origin.Mo|ve(1)", "func (*Point).Move(dx int)"},
		{"pretext.Rot|ation{}", "type Rotation struct"},
		{"rotation.Na|me()", "Name"},
		{"strconv.Ato|i(", "Atoi"},
		{"(((strings.Fie|lds", "Fields splits the string"},
		{"Poi|nt{}", "type Point struct"},
		{"le|n(names)", "builtin len"},
		{"ret|urn", "keyword"},
	} {
		cursor := strings.Index(c.code, "|")
		got, ok := e.Inspect(strings.Replace(c.code, "|", "", 1), cursor, 0)
		if !ok || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q %v, want %q", c.code, got, ok, c.want)
		}
	}
	if got, ok := e.Inspect("nosuchthing", 3, 0); ok {
		t.Errorf("nosuchthing: %q", got)
	}
}

func TestIsComplete(t *testing.T) {
	e := New()
	for code, want := range map[string]string{
		"x := 1": "complete", "": "complete", "f(1)\ng(2)": "complete", "func f() {}": "complete", "$ls 'a": "complete",
		"if x {": "incomplete \t", "func f() {\n\tif x {": "incomplete \t\t", "f(1,": "incomplete \t", "x :=": "incomplete ", "s := `a": "incomplete ",
		"/* a": "incomplete ", "x +": "incomplete ", "x++": "complete", "x := []int{1,": "incomplete \t",
		"func 3": "invalid", "x := )": "invalid", "}": "invalid", "for }": "invalid", "a b c": "invalid",
	} {
		status, indent := e.IsComplete(code)
		if got := strings.TrimSuffix(status+" "+indent, map[bool]string{true: " ", false: ""}[status != "incomplete"]); got != want {
			t.Errorf("%q is %q, want %q", code, got, want)
		}
	}
}
