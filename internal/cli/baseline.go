package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"sslnotes/sslkit/data"
	"sslnotes/sslkit/pipeline"
)

// baselineOptions are the flags of baseline.
type baselineOptions struct {
	encoder, name string
	labelled      labelled
	seed          uint64
	set           []string
	json          bool
}

func (a *app) baseline() *cobra.Command {
	var o baselineOptions
	c := &cobra.Command{
		Use:   "baseline random|pixels|supervised",
		Short: "Make the runs that every method is held against",
		Long: `Make one of the runs that every method is held against:

  random      an encoder with random weights; probe it as any run
  pixels      no encoder at all: the features are the pixels; probe it
  supervised  the encoder trained on labels from random weights, scored on test`,
		Example: `  sslnotes baseline random --encoder resnet --seed 1
  sslnotes probe random-1
  sslnotes baseline supervised --labels 10 --subset 2`,
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"random", "pixels", "supervised"},
		RunE: func(c *cobra.Command, args []string) error {
			r, err := a.runBaseline(c.Context(), args[0], o)
			if err != nil {
				return err
			}
			next := "probe"
			if args[0] == "supervised" {
				next = ""
			}
			return a.printRun(r, o.json, next)
		},
	}
	f := c.Flags()
	dataFlag(c, &o.labelled.data, "fashion-mnist", dataUsage)
	encoderFlag(c, &o.encoder)
	o.labelled.flags(c)
	f.Uint64Var(&o.seed, "seed", 1, "seed of all random streams")
	f.StringArrayVar(&o.set, "set", nil, "set an option of the encoder or, supervised, of the training, such as Encoder.Blocks=2 or Steps=100; may be repeated")
	f.StringVar(&o.name, "name", "", "name of the run (default: the kind and a number)")
	f.BoolVar(&o.json, "json", false, "print the run as JSON")
	return c
}

func (a *app) runBaseline(ctx context.Context, kind string, o baselineOptions) (*pipeline.Run, error) {
	if kind != "supervised" && (o.labelled.labels != 0 || o.labelled.validation) {
		return nil, fmt.Errorf("baseline %s reads no labels: --labels and --validation are flags of supervised and of probe", kind)
	}
	tuning := pipeline.Tuning{Seed: o.seed}
	plan, err := planWith(o.encoder, o.set, map[string]any{"": &tuning})
	if err != nil {
		return nil, err
	}
	train, test, err := o.labelled.open()
	if err != nil {
		return nil, err
	}
	var rest *data.Set
	if kind != "supervised" {
		if rest, _, err = train.Holdout(); err != nil {
			return nil, err
		}
	}
	s, err := a.session(ctx)
	if err != nil {
		return nil, err
	}
	s.Name = o.name
	switch kind {
	case "random":
		return s.Random(plan, rest.Unlabelled(), o.seed)
	case "pixels":
		return s.Pixels(rest.Unlabelled())
	}
	return s.Supervised(plan, train, test, tuning)
}
