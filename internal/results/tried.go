package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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
	Judged   map[string]float64 `json:"judged"` // validation accuracy by judgement
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
	draws := map[string][]float64{} // by judgement
	for _, c := range children {
		m, ok := c.Metrics["test_accuracy"]
		few, held := onHeldOut(c)
		switch {
		case !ok || !held:
		case few == 0: // the last one counts
			draws[c.Kind] = []float64{m.Value}
		default:
			name := fewLabels(c.Kind, few)
			draws[name] = append(draws[name], m.Value)
		}
	}
	for name, v := range draws {
		t.Judged[name], _ = moments(v)
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

// fewLabels names a judgement on so many labels a class, the mean over draws of them.
func fewLabels(kind string, labels int) string { return fmt.Sprintf("%s-%d-labels", kind, labels) }

// onHeldOut says whether a judgement read images of the training split alone, and on how
// many labels a class it was, 0 being all.
func onHeldOut(r tracker.Run) (few int, held bool) {
	var asked, learnt bool
	for _, d := range r.Data {
		switch {
		case d.Role == "test" && strings.HasPrefix(d.Split, "train/held"):
			asked = true
		case d.Role == "train" && strings.HasPrefix(d.Split, "train/rest"):
			learnt = true
			if _, draw, ok := strings.Cut(d.Split, "/per("); ok {
				fmt.Sscanf(draw, "%d,", &few)
			}
		}
	}
	return few, asked && learnt && r.Status == tracker.Finished
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
		usual, _, err := read(dir, Row{Name: t.Training.Row.Encoder + "-1"})
		if err != nil {
			return "", err
		}
		line, err := t.line(usual.Config)
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

Trainings by which encoder and batch of the tables were chosen, those of other methods with them, and those by which more was sought on few labels: one seed each, judged on the 5,000 images held
out of training (accuracy in percent, its standard error some 0.5; with 10 labels a class the mean over draws of them). The test images were not read.
` + "`sslnotes train METHOD …`, `sslnotes probe RUN --validation`, `sslnotes results --tried RUN`" + ` write a line.

| method | otherwise than in the tables | encoder | steps × batch | rate | linear probe | nearest neighbours | linear probe, 10 labels a class |
|---|---|---|---|---|---|---|---|
`

// line shows a training, whose method in the tables has the usual record.
func (t Tried) line(usual json.RawMessage) (string, error) {
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
	otherwise, err := optionsOfMethod(t.Training.Config, usual)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("| %s | %s | %v %v | %d × %d | %g | %s | %s | %s |\n", t.Training.Row.Encoder, otherwise, strings.TrimPrefix(fmt.Sprint(c.Encoder["type"]), "nn."), width(c.Encoder),
		c.Schedule.Steps, c.Schedule.BatchSize, c.Schedule.LearningRate, accuracy("probe"), accuracy("knn"), accuracy(fewLabels("probe", 10))), nil
}

// optionsOfMethod names the options of a training's method that are not as usual.
func optionsOfMethod(config, usual json.RawMessage) (string, error) {
	if usual == nil {
		return "", nil
	}
	has, err := options(config)
	if err != nil {
		return "", err
	}
	is, err := options(usual)
	if err != nil {
		return "", err
	}
	for _, all := range []map[string]string{has, is} {
		maps.DeleteFunc(all, func(name, _ string) bool {
			return !strings.HasPrefix(name, "Method.") && !strings.HasPrefix(name, "augment.") || strings.HasSuffix(name, ".type")
		})
	}
	plain := map[string]bool{} // added augmentations all of whose fields are their defaults
	for name, v := range has {
		op := name[:strings.LastIndex(name, ".")]
		if _, ok := is[name]; !ok && strings.HasPrefix(name, "augment.") {
			if _, seen := plain[op]; !seen {
				plain[op] = true
			}
			plain[op] = plain[op] && v == "0"
		}
	}
	for op, yes := range plain {
		if yes {
			maps.DeleteFunc(has, func(name, _ string) bool { return strings.HasPrefix(name, op+".") })
			has[op] = "by its defaults"
		}
	}
	return differing(has, is), nil
}

// width is what an encoder's size goes by.
func width(encoder map[string]any) any {
	if c, ok := encoder["Channels"]; ok {
		return c
	}
	return encoder["Width"]
}
