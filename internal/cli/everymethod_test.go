package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"sslnotes/internal/catalog"
	"sslnotes/sslkit/tensor"
)

// needs are the flags of train for methods that cannot do with gray images and
// a small ConvNet. A method that is not here is trained on those.
var needs = map[string]string{
	"clip":         "--data emoji-google --encoder convnet --set Encoder.Channels=[4,8] --set Text.Width=16 --set Text.Depth=1 --set Vocabulary=520 --set Context=12",
	"colorization": "--data emoji-google --encoder convnet --set Encoder.Channels=[4,8]",
	"mae":          "--data fashion-mini --encoder vit --set Encoder.Width=16 --set Encoder.Depth=1 --set Width=16 --set Depth=1",
}

const plain = "--data fashion-mini --encoder convnet --set Encoder.Channels=[4,8]"

// everyMethod is the script of one method: a process trains by it on real
// images, another one executes the record again with fewer threads and, where
// there is one, another instruction set.
const everyMethod = `env SSLNOTES_DB=$WORK/runs.db GOMAXPROCS=3 SSLKIT_ISA=%[3]s
exec sslnotes train %[1]s %[2]s --steps 4 --batch 16 --set Schedule.Checkpoint=2 --name it --json
json status finished
json method %[1]s
json machine.isa %[3]s
json machine.threads 3
env GOMAXPROCS=1 SSLKIT_ISA=%[4]s
exec sslnotes reproduce it --json
json verdict BIT-EXACT
json isa %[4]s
stdout '"values": [1-9][0-9]'
`

// TestEveryMethodReproduces makes one short run of every method there is and
// executes it again by the command for that.
func TestEveryMethodReproduces(t *testing.T) {
	first, second := tensor.ISA(), "generic"
	if first == second {
		second = "" // the machine's fastest
	}
	dir, seen := t.TempDir(), map[string]bool{}
	var files []string
	for _, m := range catalog.Methods() {
		seen[m.Name] = true
		flags, ok := needs[m.Name]
		if !ok {
			flags = plain
		}
		file := filepath.Join(dir, m.Name+".txtar")
		if err := os.WriteFile(file, fmt.Appendf(nil, everyMethod, m.Name, flags, first, second), 0o666); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	for name := range needs {
		if !seen[name] {
			t.Errorf("there is no method %s", name)
		}
	}
	testscript.Run(t, scripts(t, testscript.Params{Files: files}))
}
