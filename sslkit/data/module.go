package data

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

// fetchModule lets the go command fetch a module, whose files its cache then
// holds. The caller verifies them.
func fetchModule(ctx context.Context, module string) error {
	tool, err := exec.LookPath("go")
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "sslnotes-module-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c := exec.CommandContext(ctx, tool, "mod", "download", module)
	c.Dir = dir
	c.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "GONOSUMDB=*")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("go mod download %s: %w: %s", module, err, out)
	}
	return nil
}
