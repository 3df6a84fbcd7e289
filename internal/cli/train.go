package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"sslnotes/internal/config"
	"sslnotes/sslkit"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/pipeline"
	"sslnotes/sslkit/rng"
)

// trained is what train prints.
type trained struct {
	Method   string  `json:"method"`
	Encoder  string  `json:"encoder"`
	Seed     uint64  `json:"seed"`
	Steps    int     `json:"steps"`
	Loss     float64 `json:"loss"`
	KNN      float64 `json:"validation_knn_accuracy"`
	Digest   string  `json:"weights_digest"`
	Seconds  float64 `json:"seconds"`
	PerImage float64 `json:"images_per_second"`
}

func (a *app) train() *cobra.Command {
	var (
		s       sslkit.Schedule
		encoder string
		set     []string
		out     string
		asJSON  bool
	)
	c := &cobra.Command{
		Use:   "train METHOD",
		Short: "Pre-train an encoder on Fashion-MNIST without labels",
		Long: `Pre-train an encoder on Fashion-MNIST without labels and classify 5,000 held-out
training images by their nearest neighbours in its feature space. The test split
is not read.`,
		Example: "  sslnotes train simclr --epochs 2 --seed 1\n  sslnotes train rotation --steps 200 --json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			m, err := findMethod(args[0])
			if err != nil {
				return err
			}
			for _, kv := range set {
				if err := setField(m, kv); err != nil {
					return err
				}
			}
			return a.runTrain(cmd, m, encoder, s, out, asJSON)
		},
	}
	f := c.Flags()
	f.IntVar(&s.Epochs, "epochs", 0, "passes over the data (default: the method's)")
	f.IntVar(&s.Steps, "steps", 0, "optimizer steps, instead of epochs")
	f.IntVar(&s.BatchSize, "batch", 0, "samples a step (default: the method's)")
	f.Uint64Var(&s.Seed, "seed", 1, "seed of all random streams")
	f.StringVar(&encoder, "encoder", "resnet", "architecture: resnet or convnet")
	f.StringArrayVar(&set, "set", nil, "set a field of the method, Field=value")
	f.StringVar(&out, "out", "", "write the encoder's weights to this file (safetensors)")
	f.BoolVar(&asJSON, "json", false, "print the result as JSON")
	return c
}

// setField changes one field of the method, given as Field=value.
func setField(m sslkit.Method, kv string) error {
	name, value, ok := strings.Cut(kv, "=")
	if !ok {
		return fmt.Errorf("--set %s: want Field=value", kv)
	}
	return config.Types{}.Set(m, name, value)
}

func findPlan(name string) (nn.Plan, error) {
	switch name {
	case "resnet":
		return nn.ResNet{}, nil
	case "convnet":
		return nn.ConvNet{}, nil
	}
	return nil, fmt.Errorf("no encoder %q, have resnet, convnet", name)
}

func (a *app) runTrain(cmd *cobra.Command, m sslkit.Method, encoder string, s sslkit.Schedule, out string, asJSON bool) error {
	plan, err := findPlan(encoder)
	if err != nil {
		return err
	}
	all, _, err := data.FashionMNIST()
	if err != nil {
		return err
	}
	rest, held, err := all.Divide(5000, 0)
	if err != nil {
		return err
	}
	if s, err = s.Resolve(m, rest.Len()); err != nil {
		return err
	}
	spec := rest.Spec()
	e, err := plan.Build(nn.Input{Height: spec.Height, Width: spec.Width, Channels: spec.Channels}, rng.New(s.Seed, "weights"))
	if err != nil {
		return err
	}
	bar := progressbar.NewOptions(s.Steps, progressbar.OptionSetWriter(a.err), progressbar.OptionSetDescription(m.Name()),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionThrottle(200*time.Millisecond), progressbar.OptionClearOnFinish())
	r := trained{Method: m.Name(), Encoder: encoder, Seed: s.Seed, Steps: s.Steps}
	start := time.Now()
	err = pipeline.Train(cmd.Context(), e, m, rest.Unlabelled(), s, func(_ int, v map[string]float64) error {
		r.Loss = v["loss"]
		bar.Describe(fmt.Sprintf("%s loss %.4f", m.Name(), r.Loss))
		return bar.Add(1)
	})
	if err != nil {
		return err
	}
	if out != "" {
		if err := nn.SaveFile(out, e); err != nil {
			return err
		}
	}
	r.Seconds = time.Since(start).Seconds()
	r.PerImage = float64(s.Steps*s.BatchSize) / r.Seconds
	bar.Finish()
	if r.KNN, err = (pipeline.Neighbours{}).Accuracy(e, rest, held); err != nil {
		return err
	}
	r.Digest = nn.Digest(e)
	if asJSON {
		return a.json(r)
	}
	fmt.Fprintf(a.out, "%s on %s, seed %d: loss %.4f after %d steps, %.0f images/s; validation kNN accuracy %.4f\nweights %s\n",
		r.Method, r.Encoder, r.Seed, r.Loss, r.Steps, r.PerImage, r.KNN, r.Digest)
	return nil
}
