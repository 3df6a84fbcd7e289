package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"sslnotes/sslkit/clip"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/pipeline"
	"sslnotes/sslkit/tensor"
)

// retrieve is hidden: it serves this project's own numbers of CLIP.
func (a *app) retrieve() *cobra.Command {
	var training, style string
	var baselines bool
	c := &cobra.Command{
		Use:    "retrieve [RUN...]",
		Hidden: true,
		Short:  "Ask runs of CLIP for the captions of emoji in a style they never saw",
		Long: `Ask runs of CLIP, and three baselines, for the captions of emoji in a style that
they never saw: of concepts they trained on among all captions, and of concepts
they never saw among themselves.`,
		Example: `  sslnotes train clip --data emoji-google-fluent --encoder resnet
  sslnotes retrieve clip-1`,
		RunE: func(c *cobra.Command, args []string) error {
			return a.runRetrieve(c.Context(), training, style, baselines, args)
		},
	}
	c.Flags().StringVar(&training, "training", "emoji-google-fluent", "the set that runs trained on")
	c.Flags().BoolVar(&baselines, "baselines", true, "ask the baselines too, which takes minutes")
	c.Flags().StringVar(&style, "style", "emoji-twitter", "the set that is judged")
	return c
}

func (a *app) runRetrieve(ctx context.Context, training, style string, baselines bool, runs []string) error {
	train, _, err := data.Open(training)
	if err != nil {
		return err
	}
	if train, _, err = train.Holdout(); err != nil { // as train does
		return err
	}
	seen, held, err := data.Open(style)
	if err != nil {
		return err
	}
	known, unknown, err := clip.Questions(train, seen, held)
	if err != nil {
		return err
	}
	r := retrieval{a, known, unknown}
	fmt.Fprintf(a.out, "%-24s %d pictures among %d    %d pictures among %d\n", "R@1 and R@5 (%)",
		known.Pictures.Len(), len(known.Candidates), unknown.Pictures.Len(), len(unknown.Candidates))
	fmt.Fprintf(a.out, "%-24s %6.2f %6.2f            %6.2f %6.2f\n", "chance", 100*known.Chance(), 500*known.Chance(), 100*unknown.Chance(), 500*unknown.Chance())
	for _, ref := range runs {
		if err := r.run(ctx, ref); err != nil {
			return err
		}
	}
	if !baselines {
		return nil
	}
	return r.baselines(train)
}

// retrieval is two questions and where answers go.
type retrieval struct {
	*app
	known, unknown clip.Question
}

func (r retrieval) run(ctx context.Context, ref string) error {
	s, err := r.session(ctx)
	if err != nil {
		return err
	}
	run, err := s.Load(ref)
	if err != nil {
		return err
	}
	m, ok := run.Method().(*clip.CLIP)
	if !ok {
		return fmt.Errorf("run %s is no finished run of CLIP", run.Name())
	}
	spec, err := trainedOn(run)
	if err != nil {
		return err
	}
	r.line(run.Name(), r.known.Answer(m, spec), r.unknown.Answer(m, spec))
	return nil
}

// trainedOn describes the images that a run trained on.
func trainedOn(run *pipeline.Run) (data.Spec, error) {
	rec, err := run.Record()
	if err != nil {
		return data.Spec{}, err
	}
	for _, d := range rec.Data {
		if d.Role == "unlabelled" {
			set, err := data.Part(d.Name, d.Split)
			if err != nil {
				return data.Spec{}, err
			}
			return set.Spec(), nil
		}
	}
	return data.Spec{}, fmt.Errorf("run %s names no data that it trained on", run.Name())
}

func (r retrieval) baselines(train *data.Set) error {
	r.line("nearest pixels", r.known.Neighbour(train), r.unknown.Neighbour(train))
	for _, penalty := range []float64{0.1, 1, 10} {
		a, err := r.known.Ridge(train, penalty)
		if err != nil {
			return err
		}
		b, err := r.unknown.Ridge(train, penalty)
		if err != nil {
			return err
		}
		r.line(fmt.Sprintf("ridge, penalty %g", penalty), a, b)
	}
	return nil
}

func (r retrieval) line(name string, known, unknown *tensor.Tensor) {
	at := func(s *tensor.Tensor, q clip.Question, k int) float64 { return 100 * clip.Retrieval(s, q.Truth, k) }
	fmt.Fprintf(r.out, "%-24s %6.2f %6.2f            %6.2f %6.2f\n", name,
		at(known, r.known, 1), at(known, r.known, 5), at(unknown, r.unknown, 1), at(unknown, r.unknown, 5))
}
