//go:build !unix

package session

import "os/exec"

func apart(*exec.Cmd) {}

func killGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }
