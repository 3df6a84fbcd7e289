package install

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestInstallAndUninstall(t *testing.T) {
	t.Setenv("JUPYTER_DATA_DIR", t.TempDir())
	prefix := t.TempDir()
	t.Setenv("VIRTUAL_ENV", "")
	t.Setenv("CONDA_PREFIX", t.TempDir())
	for _, p := range []Place{{}, {Prefix: prefix}, {SysPrefix: true}} {
		for range 2 { // again over what is there
			dir, err := Install(p, Spec{Command: []string{"/bin/sslnotes", "kernel", "{connection_file}"}})
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(filepath.Join(dir, "kernel.json"))
			if err != nil {
				t.Fatal(err)
			}
			var spec struct {
				Argv []string `json:"argv"`
				Mode string   `json:"interrupt_mode"`
			}
			if err := json.Unmarshal(text, &spec); err != nil || len(spec.Argv) != 3 || spec.Argv[2] != "{connection_file}" || spec.Mode != "message" {
				t.Errorf("%s: %v", text, err)
			}
		}
		dir, err := Uninstall(p, Spec{})
		if err != nil {
			t.Fatal(err)
		}
		if left, _ := os.ReadDir(filepath.Dir(dir)); len(left) != 0 {
			t.Errorf("%v is left", left)
		}
		if _, err := Uninstall(p, Spec{}); err == nil || !strings.Contains(err.Error(), "no kernel") {
			t.Errorf("a second time: %v", err)
		}
	}
}

// What is not a kernel's folder stays.
func TestForeignFolderStays(t *testing.T) {
	prefix := t.TempDir()
	file := filepath.Join(prefix, "share/jupyter/kernels/sslnotes/thesis.txt")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("years"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Install(Place{Prefix: prefix}, Spec{}); err == nil {
		t.Error("installed over another folder")
	}
	if _, err := Uninstall(Place{Prefix: prefix}, Spec{}); err == nil {
		t.Error("removed another folder")
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}

func TestBadNames(t *testing.T) {
	for _, name := range []string{"../other", "a b", "a/b"} {
		if _, err := Install(Place{Prefix: t.TempDir()}, Spec{Name: name}); err == nil {
			t.Errorf("%q was accepted", name)
		}
	}
}
