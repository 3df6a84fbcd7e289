//go:build unix

package results

import (
	"bufio"
	"os"
	"os/exec"
	"testing"
)

// TestClaims has another process claim an encoder: only that is refused here, and
// not once the other is killed.
func TestClaims(t *testing.T) {
	const folder = "SSLNOTES_TEST_CLAIMS"
	if dir := os.Getenv(folder); dir != "" { // the other process
		c, err := openClaims(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"byol-1", "moco-1"} {
			if ok, err := c.take(name); !ok || err != nil {
				t.Fatalf("%s: %v, %v", name, ok, err)
			}
		}
		os.Stdout.WriteString("claimed\n")
		select {}
	}
	dir := t.TempDir()
	other := exec.Command(os.Args[0], "-test.run=^TestClaims$")
	other.Env = append(os.Environ(), folder+"="+dir)
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer other.Process.Kill()
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "claimed\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	c, err := openClaims(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	take := func(name string, want bool) {
		t.Helper()
		if ok, err := c.take(name); ok != want || err != nil {
			t.Errorf("%s: %v, %v, want %v", name, ok, err, want)
		}
	}
	take("moco-1", false)
	take("byol-1", true) // which the other gave up for its next
	other.Process.Kill()
	other.Wait()
	take("moco-1", true)
}
