package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"sslnotes/kernel/install"
)

// placeFlags adds the flags that say where kernels are kept.
func placeFlags(c *cobra.Command, p *install.Place, s *install.Spec) {
	f := c.Flags()
	f.Bool("user", true, "the user's own kernels, the default")
	f.StringVar(&p.Prefix, "prefix", "", "under share/jupyter in this folder")
	f.BoolVar(&p.SysPrefix, "sys-prefix", false, "under the active conda or virtual environment")
	f.StringVar(&s.Name, "name", "sslnotes", "name of the kernel, as in jupyter --kernel=NAME")
	c.MarkFlagsMutuallyExclusive("user", "prefix", "sys-prefix")
}

func (a *app) install() *cobra.Command {
	var p install.Place
	var s install.Spec
	c := &cobra.Command{
		Use:   "install",
		Short: "Tell Jupyter of the kernel",
		Long: `Write the kernel's folder where Jupyter looks for it, so that notebooks can
choose it. It names this program by its path: install again after moving it.`,
		Example: "  sslnotes install\n  sslnotes install --sys-prefix",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			exe, err := os.Executable()
			if err != nil {
				return err
			}
			s.Command = []string{exe, "kernel", "{connection_file}"}
			dir, err := install.Install(p, s)
			if err == nil {
				fmt.Fprintln(a.out, "installed", dir)
			}
			return err
		},
	}
	placeFlags(c, &p, &s)
	return c
}

func (a *app) uninstall() *cobra.Command {
	var p install.Place
	var s install.Spec
	c := &cobra.Command{
		Use:   "uninstall",
		Short: "Take the kernel away from Jupyter",
		Long: `Remove the folder that sslnotes install wrote, from the same place. A folder
that is not a kernel's stays.`,
		Example: "  sslnotes uninstall\n  sslnotes uninstall --sys-prefix",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			dir, err := install.Uninstall(p, s)
			if err == nil {
				fmt.Fprintln(a.out, "removed", dir)
			}
			return err
		},
	}
	placeFlags(c, &p, &s)
	return c
}
