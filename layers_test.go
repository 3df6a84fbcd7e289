package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// layers says what each package may import of this module, directly. It is
// policy: do not change this to fix builds.
var layers = map[string]string{
	"internal/config":         "",
	"sslkit/rng":              "",
	"sslkit/internal/allocs":  "",
	"sslkit/internal/f32":     "",
	"sslkit/tensor":           "sslkit/rng sslkit/internal/f32",
	"sslkit/nn":               "sslkit/tensor sslkit/rng sslkit/internal/f32",
	"sslkit/data":             "sslkit/tensor sslkit/rng",
	"sslkit/augment":          "sslkit/data sslkit/rng",
	"sslkit":                  "sslkit/nn sslkit/data sslkit/tensor sslkit/rng",
	"sslkit/bench":            "sslkit/nn sslkit/tensor sslkit/rng sslkit/internal/f32",
	"sslkit/pretext":          "sslkit sslkit/augment sslkit/nn sslkit/data sslkit/tensor sslkit/rng",
	"sslkit/clip":             "sslkit sslkit/augment sslkit/nn sslkit/data sslkit/tensor sslkit/rng",
	"sslkit/mae":              "sslkit sslkit/augment sslkit/nn sslkit/data sslkit/tensor sslkit/rng",
	"sslkit/contrastive":      "sslkit sslkit/augment sslkit/nn sslkit/data sslkit/tensor sslkit/rng",
	"sslkit/pipeline":         "sslkit sslkit/augment sslkit/nn sslkit/data sslkit/tensor sslkit/rng tracker internal/config",
	"sslkit/sslkittest":       "sslkit sslkit/museum sslkit/pipeline sslkit/nn sslkit/data sslkit/tensor sslkit/rng sslkit/internal/f32 tracker internal/config",
	"sslkit/museum":           "sslkit/tensor sslkit/rng",
	"tracker":                 "",
	"plots":                   "",
	"kernel/display":          "",
	"kernel/engine":           "",
	"kernel/wire":             "",
	"kernel/session":          "kernel/display kernel/engine",
	"kernel/install":          "",
	"kernel/front":            "kernel/display kernel/engine kernel/session kernel/wire",
	"kernel/interp":           "kernel/engine kernel/display kernel/symbols",
	"kernel/symbols":          "*",
	"kernel/symbols/gen":      "",
	"internal/catalog":        "*",
	"internal/catalog/gen":    "",
	"internal/cli":            "*",
	"internal/pack":           "sslkit/data",
	"internal/source":         "",
	"internal/notebook":       "",
	"notebooks":               "",
	"internal/results":        "sslkit sslkit/pretext sslkit/contrastive sslkit/mae sslkit/clip sslkit/pipeline sslkit/data sslkit/nn tracker",
	"sslkit/internal/f32/gen": "",
	"":                        "internal/cli",
}

func TestLayers(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, "sslnotes"), "/")
		allowed, ok := layers[name]
		if !ok {
			t.Errorf("%s stands in no layer", p.ImportPath)
			continue
		}
		for _, i := range p.Imports {
			i, ours := strings.CutPrefix(i, "sslnotes/")
			if ours && allowed != "*" && !slices.Contains(strings.Fields(allowed), i) {
				t.Errorf("%s must not import %s", name, i)
			}
		}
	}
}
