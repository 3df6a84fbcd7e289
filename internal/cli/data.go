package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"sslnotes/internal/pack"
	"sslnotes/sslkit/data"
)

func (a *app) data() *cobra.Command {
	c := &cobra.Command{
		Use:   "data",
		Short: "Find, fetch and verify sets of images",
		Long: `Find, fetch and verify sets of images. fashion-mini and emoji are parts of the
program. The others are looked for in $SSLNOTES_DATA/NAME, then where Debian's packages put
them, then in the cache, which data get fills.

A set of your own is a folder of PNG and JPEG files, one folder a class, perhaps
below train and test; its path, which begins with / or ., is its name. With @32
at its end, images are cut to the middle square and scaled to 32×32. Captions are
in a file metadata.csv beside the classes, with the columns file_name and caption.

The styles of emoji can be named, as in emoji-google-twitter, and its pictures
laid on random colours, as in emoji/coloured, or made gray, as in emoji/gray; in
emoji/described, captions also say what is measured of each picture, such as its
colour. The concepts of its test split are not in its training split. The test
split of emoji-google/on-twitter has the concepts of training, in another style.`,
		Example: "  sslnotes data list\n  sslnotes data get fashion-mnist\n  sslnotes train simclr --data ./flowers@32",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.dataList(), a.dataGet(), a.dataVerify(), a.dataPath(), a.dataPack())
	return c
}

// A dataRow is what data list prints of a set.
type dataRow struct {
	Name    string `json:"name"`
	Summary string `json:"summary"`
	Licence string `json:"licence"`
	Path    string `json:"path"` // "embedded", or "" if it is nowhere
	Package string `json:"package,omitempty"`
}

func dataRows() []dataRow {
	rows := []dataRow{
		{Name: "fashion-mini", Summary: "2,000 + 500 images of fashion-mnist", Licence: "MIT, Zalando SE", Path: "embedded"},
		{Name: "emoji", Summary: "8,845 captioned colour pictures 32×32 of 1,906 concepts in 6 styles, 9 groups", Licence: "Apache-2.0 (google, blobs, firefox), CC BY 4.0 (twitter), MIT (fluent, flat, names)", Path: "embedded"},
	}
	for _, s := range data.Sources() {
		dir, err := s.Find()
		if err != nil {
			dir = ""
		}
		rows = append(rows, dataRow{s.Name, s.Summary, s.Licence, dir, s.Package})
	}
	return rows
}

func (a *app) dataList() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the sets and where they are",
		Long:    "List the sets, where each is on this machine, what it holds, and its licence.",
		Example: "  sslnotes data list\n  sslnotes data list --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return a.json(dataRows())
			}
			w := table(a.out)
			fmt.Fprintln(w, "SET\tWHERE\tWHAT\tLICENCE")
			for _, r := range dataRows() {
				if r.Path == "" {
					r.Path = "not here: sslnotes data get " + r.Name
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.Name, r.Path, r.Summary, r.Licence)
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return c
}

// sourceNames completes the names of sets in files.
func sourceNames(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, s := range data.Sources() {
		names = append(names, s.Name+"\t"+s.Summary)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func (a *app) dataGet() *cobra.Command {
	var url string
	c := &cobra.Command{
		Use:   "get SET…",
		Short: "Download sets that are not here",
		Long: `Make sure that sets are here and whole: what is nowhere is downloaded into the
cache and verified by its digest. A broken download goes on where it ended; a
file that is there is never replaced by less. --url names another place that
serves the same files.`,
		Example:           "  sslnotes data get fashion-mnist mnist\n  sslnotes data get cifar10",
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: sourceNames,
		RunE: func(c *cobra.Command, args []string) error {
			for _, name := range args {
				s, err := data.FindSource(name)
				if err != nil {
					return err
				}
				if url != "" {
					s.URL = url
				}
				dir, err := s.Get(c.Context(), a.downloads())
				if err != nil {
					return err
				}
				fmt.Fprintf(a.out, "%s: whole, in %s\n", name, dir)
			}
			return nil
		},
	}
	c.Flags().StringVar(&url, "url", "", "folder to download from, ending in / (default: the set's own site)")
	return c
}

// downloads shows the bytes of each file on a terminal.
func (a *app) downloads() data.Progress {
	f, ok := a.err.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	var bar *progressbar.ProgressBar
	last := ""
	return func(file string, done, total int64) {
		if file != last {
			last = file
			bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(filepath.Base(file)),
				progressbar.OptionShowBytes(true), progressbar.OptionFullWidth(), progressbar.OptionClearOnFinish())
		}
		_ = bar.Set64(done) // a terminal that cannot be written to stops no download
	}
}

func (a *app) dataVerify() *cobra.Command {
	return &cobra.Command{
		Use:   "verify SET [FOLDER]",
		Short: "Read a set and compare every digest",
		Long: `Read all of a set, from FOLDER or from where it is found, and compare sizes,
formats and digests with what they must be. The first file that is wrong is
named, with what was expected.`,
		Example:           "  sslnotes data verify fashion-mnist\n  sslnotes data verify mnist ~/mnist",
		Args:              cobra.RangeArgs(1, 2),
		ValidArgsFunction: sourceNames,
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := data.FindSource(args[0])
			if err != nil {
				return err
			}
			dir, err := folderOf(s, args[1:])
			if err != nil {
				return err
			}
			if err := s.Verify(dir); err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.out, "%s: whole, in %s\n", s.Name, dir)
			return err
		},
	}
}

func folderOf(s *data.Source, args []string) (string, error) {
	if len(args) == 1 {
		return args[0], nil
	}
	return s.Find()
}

func (a *app) dataPath() *cobra.Command {
	return &cobra.Command{
		Use:               "path SET",
		Short:             "Print the folder that holds a set",
		Long:              "Print the folder that holds a set's files, without looking into them.",
		Example:           "  ls $(sslnotes data path fashion-mnist)",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: sourceNames,
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := data.FindSource(args[0])
			if err != nil {
				return err
			}
			dir, err := s.Find()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.out, dir)
			return err
		},
	}
}

func (a *app) dataPack() *cobra.Command {
	var from string
	c := &cobra.Command{
		Use:   "build-pack fashion-mini|emoji PATH",
		Short: "Rebuild an embedded set from where it came from",
		Long: `Rebuild the file of a set that is a part of the program from its sources. The
result is the same byte for byte.

  fashion-mini  the first 200 training and 50 test images of each class, in a
                fixed random order, of fashion-mnist, which must be here
  emoji         from packages that lie in the folder --from, where this put them:
                npm pack emoji-datasource@16.0.0 emojibase-data@17.0.0 @lobehub/fluent-emoji-3d@1.1.0 \
                  @iconify-json/fluent-emoji-flat@1.2.6 @iconify-json/noto-v1@1.2.5 @iconify-json/fxemoji@1.2.2`,
		Example: `  sslnotes data build-pack fashion-mini sslkit/data/fashion-mini.gz
  sslnotes data build-pack emoji sslkit/data/emoji.gz --from packages`,
		Args:      cobra.ExactArgs(2),
		ValidArgs: []string{"fashion-mini", "emoji"},
		RunE: func(_ *cobra.Command, args []string) error {
			b, err := buildPack(args[0], from)
			if err != nil {
				return err
			}
			return writeFile(args[1], b)
		},
	}
	c.Flags().StringVar(&from, "from", ".", "folder of the packages that emoji is made of")
	return c
}

func buildPack(name, from string) ([]byte, error) {
	switch name {
	case "emoji":
		return pack.Emoji(from)
	case "fashion-mini":
		train, test, err := data.FashionMNIST()
		if err != nil {
			return nil, err
		}
		return data.PackMini(train, test)
	}
	return nil, fmt.Errorf("no embedded set %q, have fashion-mini, emoji", name)
}
