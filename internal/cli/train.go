package cli

import (
	"context"
	"reflect"

	"github.com/spf13/cobra"

	"sslnotes/internal/catalog"
	"sslnotes/sslkit"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/pipeline"
)

// trainOptions are the flags of train.
type trainOptions struct {
	method, data, encoder, name string
	set                         []string
	schedule                    sslkit.Schedule
	json                        bool
}

func (a *app) train() *cobra.Command {
	var o trainOptions
	c := &cobra.Command{
		Use:   "train METHOD",
		Short: "Pre-train an encoder on images without labels",
		Long: `Pre-train an encoder by a method on images without labels, and record the run:
options, seed, data digests, every step's loss, and the weights. A twelfth of the
training images, the same number of every class, is held out for validation; the
test images are not read. While it trains, the nearest neighbours of some of the
held out images tell how good the features are (monitor_knn_accuracy), for some
2 % of the time; they do not change what is learnt. --set
Schedule.Monitor=-1 does without. A collapse is named on standard error.

--set changes an option of the method by its field's name, or of the encoder or
the schedule by a dotted one; values are JSON. sslnotes methods METHOD lists the
fields. Ctrl-C closes the run as interrupted.`,
		Example: `  sslnotes train rotation --data fashion-mini --encoder convnet --steps 200
  sslnotes train simclr --epochs 16 --seed 1 --name first
  sslnotes train simclr --set Temperature=0.5 --set Encoder.Channels=[16,32]
  sslnotes train simclr --set 'Augment=[{"type":"augment.Flip"}]' --set Schedule.Warmup=10`,
		Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return methodNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			o.method = args[0]
			r, err := a.runTrain(c.Context(), o)
			if err != nil {
				return err
			}
			return a.printRun(r, o.json, "probe")
		},
	}
	f := c.Flags()
	dataFlag(c, &o.data, "fashion-mnist", dataUsage)
	encoderFlag(c, &o.encoder)
	f.IntVar(&o.schedule.Epochs, "epochs", 0, "passes over the images (default: the method's)")
	f.IntVar(&o.schedule.Steps, "steps", 0, "optimizer steps, instead of epochs")
	f.IntVar(&o.schedule.BatchSize, "batch", 0, "images a step (default: the method's)")
	f.Float32Var(&o.schedule.LearningRate, "rate", 0, "peak learning rate (default: the method's)")
	f.Uint64Var(&o.schedule.Seed, "seed", 1, "seed of all random streams")
	f.StringArrayVar(&o.set, "set", nil, "set an option, Field=value; may be repeated")
	f.StringVar(&o.name, "name", "", "name of the run (default: the method and a number)")
	f.BoolVar(&o.json, "json", false, "print the run as JSON")
	return c
}

// runTrain makes the run.
func (a *app) runTrain(ctx context.Context, o trainOptions) (*pipeline.Run, error) {
	found, err := catalog.FindMethod(o.method)
	if err != nil {
		return nil, err
	}
	m := found.New()
	plan, err := planWith(o.encoder, o.set, map[string]any{"": m, "Schedule": &o.schedule})
	if err != nil {
		return nil, err
	}
	train, _, err := openData(o.data)
	if err != nil {
		return nil, err
	}
	rest, held, err := train.Holdout()
	if err != nil {
		return nil, err
	}
	s, err := a.session(ctx)
	if err != nil {
		return nil, err
	}
	s.Name, s.Monitor = o.name, held
	return s.Pretrain(plan, m, rest.Unlabelled(), o.schedule)
}

// planWith returns the named encoder's plan after the settings, which may also
// change the other structs.
func planWith(encoder string, settings []string, to map[string]any) (nn.Plan, error) {
	found, err := catalog.FindEncoder(encoder)
	if err != nil {
		return nil, err
	}
	v := reflect.New(reflect.TypeOf(found.New())) // plans are values; settings need a place
	to["Encoder"] = v.Interface()
	if err := setFields(to, settings); err != nil {
		return nil, err
	}
	return v.Elem().Interface().(nn.Plan), nil
}
