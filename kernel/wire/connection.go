package wire

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
)

// A Connection is the content of the file that tells a kernel where to listen.
type Connection struct {
	Transport   string `json:"transport"`
	IP          string `json:"ip"`
	Key         string `json:"key"`
	Scheme      string `json:"signature_scheme"`
	ShellPort   int    `json:"shell_port"`
	ControlPort int    `json:"control_port"`
	StdinPort   int    `json:"stdin_port"`
	IOPubPort   int    `json:"iopub_port"`
	HBPort      int    `json:"hb_port"`
}

// ReadConnection reads and checks a connection file.
func ReadConnection(name string) (Connection, error) {
	var c Connection
	text, err := os.ReadFile(name)
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return c, fmt.Errorf("%s: %w", name, err)
	}
	if err := c.check(); err != nil {
		return c, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

func (c Connection) check() error {
	if c.Transport != "tcp" {
		return fmt.Errorf("transport %q: want tcp", c.Transport)
	}
	if ip := net.ParseIP(c.IP); c.IP != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("ip %q: want a loopback address", c.IP)
	}
	if c.Key != "" && c.Scheme != "hmac-sha256" {
		return fmt.Errorf("signature_scheme %q: want hmac-sha256", c.Scheme)
	}
	for name, port := range map[string]int{"shell_port": c.ShellPort, "control_port": c.ControlPort,
		"stdin_port": c.StdinPort, "iopub_port": c.IOPubPort, "hb_port": c.HBPort} {
		if port < 0 || port > 65535 {
			return fmt.Errorf("%s %d: want 0 to 65535", name, port)
		}
	}
	return nil
}
