package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"sslnotes/internal/catalog"
	"sslnotes/sslkit/data"
)

// setFields changes options given as Field=value. A name that begins with one
// of the prefixes, such as "Encoder.", goes to that struct, others to the one
// under "".
func setFields(to map[string]any, settings []string) error {
	types := catalog.Types()
	for _, kv := range settings {
		name, value, ok := strings.Cut(kv, "=")
		if !ok {
			return fmt.Errorf("--set %s: want Field=value", kv)
		}
		dst := to[""]
		if prefix, rest, ok := strings.Cut(name, "."); ok && to[prefix] != nil {
			dst, name = to[prefix], rest
		}
		if err := types.Set(dst, name, value); err != nil {
			return fmt.Errorf("--set %s: %w", kv, err)
		}
	}
	return nil
}

// openData returns a set by its name. Where its files are nowhere, the error also
// names the set that needs none.
func openData(name string) (train, test *data.Set, err error) {
	train, test, err = data.Open(name)
	if _, e := data.FindSource(name); e == nil && errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w (--data fashion-mini is a part of the program)", err)
	}
	return train, test, err
}

// dataFlag defines --data.
func dataFlag(c *cobra.Command, to *string, value, usage string) {
	c.Flags().StringVar(to, "data", value, usage)
	offer(c, "data", data.Names())
}

func encoderFlag(c *cobra.Command, to *string) {
	c.Flags().StringVar(to, "encoder", "resnet", "architecture; see sslnotes encoders")
	var names []string
	for _, e := range catalog.Encoders() {
		names = append(names, e.Name+"\t"+e.Summary)
	}
	offer(c, "encoder", names)
}

const dataUsage = "set of images, or a folder of class folders; see sslnotes data list"
