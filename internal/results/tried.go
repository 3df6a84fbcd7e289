package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sslnotes/tracker"
)

// A Tried is a training before an option of the plan was chosen, judged on
// images held out of training. The test images are not read.
type Tried struct {
	Training Result             `json:"training"`
	Judged   map[string]float64 `json:"judged"` // validation accuracy by kind of judgement
}

// tried is the folder of what was tried among the results.
const tried = "tried"

// KeepTried writes the training with its judgements into the folder of the
// results. It returns an error if none of these is on held out images of the
// training set.
func KeepTried(s *tracker.Store, training, dir string) error {
	r, err := s.Run(training)
	if err != nil {
		return err
	}
	children, err := s.Children(r.ID)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%s-%.8s", r.Method, r.Digest)
	t := Tried{resultOf(Row{Name: name, Encoder: r.Method, Seed: r.Seed}, r), map[string]float64{}}
	for _, c := range children {
		if m, ok := c.Metrics["test_accuracy"]; ok && onHeldOut(c) {
			t.Judged[c.Kind] = m.Value
		}
	}
	if len(t.Judged) == 0 {
		return fmt.Errorf("results: nothing judges %s on validation images", r.Name())
	}
	b, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, tried), 0o777); err != nil {
		return fmt.Errorf("results: %w", err)
	}
	return replace(filepath.Join(dir, tried, name+".json"), append(b, '\n'))
}

// onHeldOut says whether a judgement on all labels read images of the training
// split alone.
func onHeldOut(r tracker.Run) bool {
	on := func(role, prefix string) bool {
		return slices.ContainsFunc(r.Data, func(d tracker.DataRef) bool { return d.Role == role && strings.HasPrefix(d.Split, prefix) })
	}
	return on("test", "train/held") && on("train", "train/rest") && r.Status == tracker.Finished
}

// choices shows what was tried.
func choices(dir string) (string, error) {
	files, err := filepath.Glob(filepath.Join(dir, tried, "*.json"))
	if err != nil {
		return "", err
	}
	slices.Sort(files)
	var b strings.Builder
	for _, file := range files {
		var t Tried
		text, err := os.ReadFile(file)
		if err = errors.Join(err, json.Unmarshal(text, &t)); err != nil {
			return "", fmt.Errorf("results: %s: %w", file, err)
		}
		line, err := t.line()
		if err != nil {
			return "", fmt.Errorf("results: %s: %w", file, err)
		}
		if b.Len() == 0 {
			b.WriteString(choicesIntroduction)
		}
		b.WriteString(line)
	}
	return b.String(), nil
}

const choicesIntroduction = `
## What was tried

Trainings by which encoder and batch of the tables were chosen, and those of other methods with them: one seed each, judged on the 5,000 images held
out of training (accuracy in percent, its standard error some 0.5). The test images were not read.
` + "`sslnotes train METHOD …`, `sslnotes probe RUN --validation`, `sslnotes results --tried RUN`" + ` write a line.

| method | encoder | steps × batch | rate | linear probe | nearest neighbours |
|---|---|---|---|---|---|
`

func (t Tried) line() (string, error) {
	var c struct {
		Encoder  map[string]any
		Schedule struct {
			Steps, BatchSize int
			LearningRate     float64
		}
	}
	if err := json.Unmarshal(t.Training.Config, &c); err != nil {
		return "", err
	}
	accuracy := func(kind string) string {
		if v, ok := t.Judged[kind]; ok {
			return fmt.Sprintf("%.1f", 100*v)
		}
		return "–"
	}
	return fmt.Sprintf("| %s | %v %v | %d × %d | %g | %s | %s |\n", t.Training.Row.Encoder, strings.TrimPrefix(fmt.Sprint(c.Encoder["type"]), "nn."), width(c.Encoder),
		c.Schedule.Steps, c.Schedule.BatchSize, c.Schedule.LearningRate, accuracy("probe"), accuracy("knn")), nil
}

// width is what an encoder's size goes by.
func width(encoder map[string]any) any {
	if c, ok := encoder["Channels"]; ok {
		return c
	}
	return encoder["Width"]
}
