package wire

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadConnection(t *testing.T) {
	const good = `{"transport":"tcp","ip":"127.0.0.1","key":"k","signature_scheme":"hmac-sha256","shell_port":1,"control_port":2,"stdin_port":3,"iopub_port":4,"hb_port":5}`
	name := filepath.Join(t.TempDir(), "kernel.json")
	for text, want := range map[string]string{
		good:                                   "",
		strings.Replace(good, "tcp", "ipc", 1): "transport",
		strings.Replace(good, "127.0.0.1", "0.0.0.0", 1):           "loopback",
		strings.Replace(good, "hmac-sha256", "none", 1):            "signature_scheme",
		strings.Replace(good, `"hb_port":5`, `"hb_port":70000`, 1): "hb_port",
		"{": "kernel.json",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := ReadConnection(name)
		switch {
		case want == "" && (err != nil || c.ShellPort != 1 || c.HBPort != 5):
			t.Errorf("%+v, %v", c, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: error %v, want %q in it", text, err, want)
		}
	}
}
