package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// TestHelpTeaches expects an explanation and an example of every command.
func TestHelpTeaches(t *testing.T) {
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		if c.Short == "" || c.Long == "" || c.Example == "" {
			t.Errorf("%s: short help %q, long %q, example %q", c.CommandPath(), c.Short, c.Long, c.Example)
		}
		for _, sub := range c.Commands() {
			if !sub.Hidden && sub.Name() != "help" && sub.Name() != "completion" {
				visit(sub)
			}
		}
	}
	visit(new(app).root())
}

func TestGroupsBySeed(t *testing.T) {
	of := func(seed, split, rate string) string {
		return recipe(map[string]string{"seed": seed, "config.Seed": seed, "data.train.split": split, "data.train.digest": split, "config.Rate": rate})
	}
	a := of("1", "train/per(10,0)", "2")
	if b := of("2", "train/per(10,1)", "2"); a != b {
		t.Errorf("another seed and draw are another recipe: %q, %q", a, b)
	}
	if of("1", "train/per(20,0)", "2") == a || of("1", "train/per(10,0)", "3") == a {
		t.Error("another number of labels or another option is the same recipe")
	}
}

func TestSpread(t *testing.T) {
	if s := spreadOf([]float64{1, 2, 3}); s.N != 3 || s.Mean != 2 || s.Std != 1 {
		t.Errorf("%+v", s)
	}
	if s := spreadOf([]float64{5}); s.Std != 0 || s.Mean != 5 {
		t.Errorf("%+v", s)
	}
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
		says string
	}{
		{nil, 0, ""},
		{errors.New("no such run"), 1, "sslnotes: no such run\n"},
		{fmt.Errorf("%w (run simclr-1)", context.Canceled), 130, "sslnotes: interrupted\n"},
		{errors.Join(codeDiverged), 3, ""},
		{codeNotReproducible, 4, ""},
	} {
		var said bytes.Buffer
		if code := (&app{err: &said}).end(c.err); code != c.code || said.String() != c.says {
			t.Errorf("%v: code %d, %q, want %d, %q", c.err, code, said.String(), c.code, c.says)
		}
	}
}
