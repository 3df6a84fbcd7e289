// Package install tells Jupyter of the kernel.
//
// # Design
//
// Jupyter finds a kernel by a folder that holds kernel.json: how to start it,
// and what to call it. The folder is written beside the others of the place and
// then renamed, so that nobody sees half of one.
package install

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
)

//go:embed logo.svg
var logo []byte

// A Place is where kernels are kept. The zero value is the user's own.
type Place struct {
	Prefix    string // share/jupyter under this folder, such as that of an environment
	SysPrefix bool   // under the active conda or virtual environment
}

// folder returns where kernels are kept.
func (p Place) folder() (string, error) {
	switch {
	case p.Prefix != "" && p.SysPrefix:
		return "", errors.New("install: a prefix and the environment's were both asked for")
	case p.Prefix != "":
		return filepath.Join(p.Prefix, "share", "jupyter", "kernels"), nil
	case p.SysPrefix:
		for _, v := range []string{"CONDA_PREFIX", "VIRTUAL_ENV"} {
			if d := os.Getenv(v); d != "" {
				return filepath.Join(d, "share", "jupyter", "kernels"), nil
			}
		}
		return "", errors.New("install: no environment is active: neither CONDA_PREFIX nor VIRTUAL_ENV is set")
	}
	data, err := userData()
	return filepath.Join(data, "kernels"), err
}

// userData is the user's data folder of Jupyter.
func userData() (string, error) {
	if d := os.Getenv("JUPYTER_DATA_DIR"); d != "" {
		return d, nil
	}
	if d := os.Getenv("APPDATA"); d != "" && runtime.GOOS == "windows" {
		return filepath.Join(d, "jupyter"), nil
	}
	if d := os.Getenv("XDG_DATA_HOME"); d != "" && runtime.GOOS != "darwin" {
		return filepath.Join(d, "jupyter"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("install: %w", err)
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(home, "Library", "Jupyter"), nil
	}
	return filepath.Join(home, ".local", "share", "jupyter"), nil
}

// A Spec is what Jupyter is told.
type Spec struct {
	Name    string   // of the folder. If "", "sslnotes".
	Display string   // in menus. If "", "Go (sslnotes)".
	Command []string // starts the kernel; "{connection_file}" stands for the file's name
}

var validName = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

func (s Spec) folder(p Place) (string, error) {
	if s.Name == "" {
		s.Name = "sslnotes"
	}
	if !validName.MatchString(s.Name) {
		return "", fmt.Errorf("install: the name %q, want letters, digits, dots, dashes and underscores", s.Name)
	}
	kernels, err := p.folder()
	return filepath.Join(kernels, s.Name), err
}

// Install writes the kernel's folder and returns its path.
func Install(p Place, s Spec) (string, error) {
	dir, err := s.folder(p)
	if err != nil {
		return "", err
	}
	if s.Display == "" {
		s.Display = "Go (sslnotes)"
	}
	text, err := json.MarshalIndent(map[string]any{
		"argv": s.Command, "display_name": s.Display, "language": "go", "interrupt_mode": "message", "metadata": map[string]any{"debugger": false},
	}, "", " ")
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", fmt.Errorf("install: %w", err)
	}
	temporary, err := os.MkdirTemp(filepath.Dir(dir), ".sslnotes-*")
	if err != nil {
		return "", fmt.Errorf("install: %w", err)
	}
	defer os.RemoveAll(temporary)
	err = errors.Join(os.Chmod(temporary, 0o755),
		os.WriteFile(filepath.Join(temporary, "kernel.json"), append(text, '\n'), 0o644),
		os.WriteFile(filepath.Join(temporary, "logo-svg.svg"), logo, 0o644),
		remove(dir), os.Rename(temporary, dir))
	if err != nil {
		return "", fmt.Errorf("install: %w", err)
	}
	return dir, nil
}

// remove deletes a kernel's folder if there is one, and nothing that is no
// kernel's folder.
func remove(dir string) error {
	switch _, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, "kernel.json")); err != nil {
		return fmt.Errorf("%s is not a kernel's folder: %w", dir, err)
	}
	return os.RemoveAll(dir)
}

// Uninstall removes the kernel's folder and returns its path.
func Uninstall(p Place, s Spec) (string, error) {
	dir, err := s.folder(p)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("install: there is no kernel at %s", dir)
	}
	if err := remove(dir); err != nil {
		return "", fmt.Errorf("install: %w", err)
	}
	return dir, nil
}
