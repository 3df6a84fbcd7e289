package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// python runs what needs Jupyter: /usr/bin/python3, where distributions put it,
// unless the variable names another.
func python(t *testing.T) string {
	t.Helper()
	switch v := os.Getenv("SSLNOTES_JUPYTER"); v {
	case "":
		t.Skip("needs Jupyter: SSLNOTES_JUPYTER is 1, or names a Python that has it")
	case "1":
		return "/usr/bin/python3"
	default:
		return v
	}
	return ""
}

// installed installs this test's binary as the kernel and returns the
// environment in which Jupyter finds it.
func installed(t *testing.T) []string {
	t.Helper()
	module, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	environment := append(os.Environ(), "JUPYTER_DATA_DIR="+dir, "JUPYTER_RUNTIME_DIR="+dir+"/runtime", moduleVariable+"="+module,
		"SSLNOTES_DB="+filepath.Join(dir, "runs.db"), "IPYTHONDIR="+dir)
	c := exec.Command("sslnotes", "install")
	c.Env = environment
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("install: %v\n%s", err, out)
	}
	return environment
}

// TestJupyterSuite runs Jupyter's own tests of kernels. One that skips is one
// that the kernel has not passed.
func TestJupyterSuite(t *testing.T) {
	p := python(t)
	c := exec.Command(p, "testdata/jupyter/suite.py")
	c.Env = installed(t)
	out, err := c.CombinedOutput()
	t.Logf("%s", out)
	if err != nil || strings.Contains(string(out), "skipped") {
		t.Errorf("the suite: %v", err)
	}
}

// TestJupyterNbconvert executes a notebook as a user of Jupyter does.
func TestJupyterNbconvert(t *testing.T) {
	p := python(t)
	dir := t.TempDir()
	c := exec.Command(p, "-m", "nbconvert", "--execute", "--to", "markdown", "--stdout", "--output-dir", dir, "testdata/jupyter/cells.ipynb")
	c.Env = installed(t)
	var complaints strings.Builder
	c.Stderr = &complaints
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, complaints.String())
	}
	for _, want := range []string{"the sum is 5050", "![svg]", "42"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
