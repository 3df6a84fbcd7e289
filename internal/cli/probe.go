package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"sslnotes/sslkit/data"
	"sslnotes/sslkit/pipeline"
	"sslnotes/tracker"
)

// probeOptions are the flags of probe.
type probeOptions struct {
	kind, name string
	freeze     int
	teacher    bool
	labelled   labelled
	set        []string
	json       bool
}

// labelled says which labelled samples to use.
type labelled struct {
	data       string
	labels     int
	subset     int
	validation bool
}

func (l *labelled) flags(c *cobra.Command) {
	f := c.Flags()
	f.IntVar(&l.labels, "labels", 0, "labelled training images of each class (default: all)")
	f.IntVar(&l.subset, "subset", 0, "which draw of them: 0, 1, 2 …")
	f.BoolVar(&l.validation, "validation", false, "judge on the images held out of training, not on the test images")
}

// open returns the sets to train and to judge on.
func (l labelled) open() (train, test *data.Set, err error) {
	train, test, err = openData(l.data)
	if err == nil && l.validation {
		train, test, err = train.Holdout()
	}
	if err == nil && l.labels != 0 {
		train, err = train.PerClass(l.labels, l.subset)
	}
	return train, test, err
}

// A judge is a way to measure a run's features.
type judge interface {
	Judge(r *pipeline.Run, train, test *data.Set) (*pipeline.Run, error)
}

func (a *app) probe() *cobra.Command {
	var o probeOptions
	c := &cobra.Command{
		Use:   "probe RUN",
		Short: "Judge a run's features on labelled images",
		Long: `Judge the features that a run's encoder gives, and record that as a run of its
own whose parent is RUN:

  linear    multinomial logistic regression on frozen features
  knn       the 20 nearest neighbours
  finetune  train encoder and classifier on the labels, from the linear probe on
  partial   the same with the encoder's first blocks, --freeze, as they are

Of BYOL, DINO and MoCo, which train a slow average of the encoder too, --teacher
judges that; the record says which it was, and holds its weights.

Choices such as the penalty's strength are made within the training images. The
test images are read once, after the last choice; to try options, use
--validation, which judges on images held out of training instead.`,
		Example: `  sslnotes probe simclr-1
  sslnotes probe simclr-1 --kind knn
  sslnotes probe simclr-1 --kind finetune --labels 10 --subset 2
  sslnotes probe simclr-1 --kind partial --freeze 2
  sslnotes probe dino-1 --kind knn --teacher
  sslnotes probe simclr-1 --set Iterations=100 --validation --json`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeRuns,
		RunE: func(c *cobra.Command, args []string) error {
			r, err := a.runProbe(c.Context(), args[0], o)
			if err != nil {
				return err
			}
			return a.printRun(r, o.json, "")
		},
	}
	f := c.Flags()
	f.StringVar(&o.kind, "kind", "linear", "linear, knn, finetune or partial")
	offer(c, "kind", []string{"linear", "knn", "finetune", "partial"})
	f.IntVar(&o.freeze, "freeze", 2, "blocks of the encoder that partial leaves as they are")
	f.BoolVar(&o.teacher, "teacher", false, "judge the run's teacher, not its encoder")
	dataFlag(c, &o.labelled.data, "", "set of images (default: the one the run was trained on)")
	o.labelled.flags(c)
	f.StringArrayVar(&o.set, "set", nil, "set an option of the probe, Field=value; may be repeated")
	f.StringVar(&o.name, "name", "", "name of the new run (default: the method, the kind and a number)")
	f.BoolVar(&o.json, "json", false, "print the new run as JSON")
	return c
}

func (a *app) runProbe(ctx context.Context, ref string, o probeOptions) (*pipeline.Run, error) {
	j, err := newJudge(o)
	if err != nil {
		return nil, err
	}
	if _, err := a.found(ref); err != nil {
		return nil, err
	}
	s, err := a.session(ctx)
	if err != nil {
		return nil, err
	}
	r, err := s.Load(ref)
	if err != nil {
		return nil, err
	}
	if o.labelled.data == "" {
		rec, err := r.Record()
		if err != nil {
			return nil, err
		}
		if len(rec.Data) == 0 {
			return nil, fmt.Errorf("run %s names no data: say which with --data", rec.Name())
		}
		o.labelled.data = rec.Data[0].Name
	}
	train, test, err := o.labelled.open()
	if err != nil {
		return nil, err
	}
	s.Name = o.name
	return j.Judge(r, train, test)
}

// found looks a run up before anything is made or stored.
func (a *app) found(ref string) (tracker.Run, error) {
	s, err := a.store()
	if err != nil {
		return tracker.Run{}, err
	}
	defer s.Close()
	return s.Run(ref)
}

// newJudge returns the probe of that kind with the settings.
func newJudge(o probeOptions) (judge, error) {
	linear, knn, tuning := pipeline.Probe{Teacher: o.teacher}, pipeline.Neighbours{Teacher: o.teacher}, pipeline.Tuning{Teacher: o.teacher}
	switch o.kind {
	case "linear":
		return &linear, setFields(map[string]any{"": &linear}, o.set)
	case "knn":
		return &knn, setFields(map[string]any{"": &knn}, o.set)
	case "partial":
		tuning.Frozen = o.freeze
		fallthrough
	case "finetune":
		return &tuning, setFields(map[string]any{"": &tuning}, o.set)
	}
	return nil, fmt.Errorf("--kind %s: want linear, knn, finetune or partial", o.kind)
}
