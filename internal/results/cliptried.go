package results

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
)

// The commands that keep files among what was tried.
const (
	triedCommand   = "sslnotes retrieve RUN --tried"
	lengthsCommand = "sslnotes retrieve --lengths"
)

// LengthName is the name of the file of a recipe's run of fewer steps.
func LengthName(recipe string, steps int) string { return fmt.Sprintf("length-%s-%d", recipe, steps) }

// WriteTried writes the file, of a training by another recipe, among what was tried
// in the folder of the recipe's.
func (f RetrievalFile) WriteTried(dir string) error {
	f.Command = triedCommand
	if strings.HasPrefix(f.Name, "length-") {
		f.Command = lengthsCommand
	}
	if len(f.Members) > 0 { // named by their digests
		f.Name = TogetherName
		for _, member := range f.Members {
			f.Name += "-" + strings.TrimPrefix(member, RecipeName+"-")
		}
	}
	return f.write(filepath.Join(dir, tried))
}

// HasTried says whether a file of that name is among what was tried in the folder of the
// recipe's.
func HasTried(dir, name string) bool { return HasRetrieval(filepath.Join(dir, tried), name) }

// Steps is what one recipe answers, by an ensemble, when it is trained for several
// numbers of steps.
type Steps struct {
	Title      string // the recipe's name, or how it differs from clip.Recipe
	Steps      []float64
	Seen, Held []float64 // R@1
}

// StepsFigure is the name of the figure of what Steps says, among the rows' files.
const StepsFigure = "steps.svg"

// TriedSteps lists the recipes among what was tried, in the folder of all rows, that
// were trained for several numbers of steps.
func TriedSteps(dir string) (all []Steps, err error) {
	dir = filepath.Join(dir, "clip")
	if !HasRetrieval(dir, RecipeName+"-1") {
		return nil, nil
	}
	recipe, err := ReadRetrieval(dir, RecipeName+"-1")
	if err != nil {
		return nil, err
	}
	usual, err := recipe.options()
	if err != nil {
		return nil, err
	}
	names := map[string]string{differing(usual, usual): "clip.Recipe"}
	if HasRetrieval(dir, LongName+"-1") {
		long, err := ReadRetrieval(dir, LongName+"-1")
		if err != nil {
			return nil, err
		}
		has, err := long.options()
		if err != nil {
			return nil, err
		}
		names[differing(has, usual)] = "clip.LongRecipe"
	}
	files, err := readTried(filepath.Join(dir, tried))
	if err != nil {
		return nil, err
	}
	by := map[string]map[int]Retrieval{}
	for _, f := range files {
		if len(f.Members) > 0 || len(f.Answers) == 0 {
			continue
		}
		has, err := f.options()
		if err != nil {
			return nil, err
		}
		what := differing(has, usual)
		if by[what] == nil {
			by[what] = map[int]Retrieval{}
		}
		steps, _ := budget(f.Config)
		by[what][steps] = f.Answers[len(f.Answers)-1].Retrieval
	}
	for _, what := range slices.Backward(slices.Sorted(maps.Keys(by))) { // "nothing" first
		if len(by[what]) < 2 {
			continue
		}
		s := Steps{Title: cmp.Or(names[what], what)}
		for _, steps := range slices.Sorted(maps.Keys(by[what])) {
			r := by[what][steps]
			s.Steps, s.Seen, s.Held = append(s.Steps, float64(steps)), append(s.Seen, r.Seen1), append(s.Held, r.Held1)
		}
		all = append(all, s)
	}
	return all, nil
}

// retrievalTried shows what trainings kept in dir answered about a style that was
// held out of training, for choosing, and how their options differ from the recipe's.
func retrievalTried(dir string, recipe RetrievalFile) (string, error) {
	files, err := readTried(dir)
	if err != nil || len(files) == 0 {
		return "", err
	}
	usual, err := recipe.options()
	if err != nil {
		return "", err
	}
	var all, together []RetrievalFile
	for _, f := range files {
		if len(f.Members) > 0 {
			together = append(together, f)
		} else {
			all = append(all, f)
		}
		switch first, file := files[0], f.Name+".json"; {
		case len(f.Answers) == 0 || f.Judged == recipe.Judged:
			return "", fmt.Errorf("results: %s is about %s, by which the recipe is judged", file, f.Judged)
		case f.Judged != first.Judged || f.Training != first.Training || f.Seen != first.Seen || f.Held != first.Held || f.Numerics != first.Numerics:
			return "", fmt.Errorf("results: %s is of other data or numerics than %s", file, first.Name)
		}
	}
	if len(all) == 0 {
		return "", fmt.Errorf("results: %s has runs together, but none of them", dir)
	}
	slices.SortStableFunc(all, func(a, b RetrievalFile) int { // the worst first
		return cmp.Compare(a.Answers[0].Seen1+a.Answers[0].Held1, b.Answers[0].Seen1+b.Answers[0].Held1)
	})
	deviation := 100 * math.Sqrt(all[0].Answers[0].Held1*(1-all[0].Answers[0].Held1)/float64(all[0].Held))
	var b strings.Builder
	fmt.Fprintf(&b, "\nWhat was tried, trained on %d pictures of the other styles and asked about %s, %d pictures of seen concepts and %d of held-out ones (whose R@1 has a standard error of some %.0f), in one seed each. `%s` writes a line, `%s` those of shorter runs.\n\n| otherwise than `clip.Recipe` | steps × batch | seen: R@1 | R@5 | held out: R@1 | R@5 |\n|---|---|---|---|---|---|\n",
		all[0].Pictures, strings.TrimPrefix(all[0].Judged, "emoji-"), all[0].Seen, all[0].Held, deviation, triedCommand, lengthsCommand)
	for _, f := range all {
		has, err := f.options()
		if err != nil {
			return "", err
		}
		steps, batch := budget(f.Config)
		for i, r := range f.Answers {
			what := differing(has, usual)
			if i > 0 {
				what += ByEnsemble
			}
			fmt.Fprintf(&b, "| %s | %d × %d | %.1f | %.1f | %.1f | %.1f |\n", what, steps, batch, 100*r.Seen1, 100*r.Seen5, 100*r.Held1, 100*r.Held5)
		}
	}
	for _, f := range together {
		r := f.Answers[0]
		fmt.Fprintf(&b, "| %d of these together%s | | %.1f | %.1f | %.1f | %.1f |\n", len(f.Members), ByEnsemble, 100*r.Seen1, 100*r.Seen5, 100*r.Held1, 100*r.Held5)
	}
	root := filepath.Dir(filepath.Dir(dir)) // of all rows
	if lengths, err := TriedSteps(root); err != nil || len(lengths) == 0 {
		return b.String(), err
	}
	fmt.Fprintf(&b, "\n![R@1 of seen and of held-out concepts, by an ensemble, over steps of training](%s/%s)\n", filepath.Base(root), StepsFigure)
	return b.String(), nil
}

// readTried reads the files of a folder of what was tried.
func readTried(dir string) (all []RetrievalFile, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	for _, file := range files {
		f, err := ReadRetrieval(dir, strings.TrimSuffix(filepath.Base(file), ".json"))
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, err
}

// options lists those of the run of a file.
func (f RetrievalFile) options() (map[string]string, error) {
	all, err := options(f.Config)
	if err != nil {
		return nil, fmt.Errorf("results: %s: %w", f.Name, err)
	}
	return all, nil
}

// options lists the recorded options of a training by name, such as "Method.Dim" or
// "augment.Crop.MinArea", but for its seed, its length, and what follows from
// that.
func options(config json.RawMessage) (map[string]string, error) {
	var c map[string]any
	if err := json.Unmarshal(config, &c); err != nil {
		return nil, err
	}
	all := map[string]string{}
	flatten(all, "", c)
	for _, name := range []string{"Steps", "Epochs", "Seed", "BatchSize", "Warmup", "Watch", "Diagnostics"} {
		delete(all, "Schedule."+name)
	}
	return all, nil
}

// flatten adds the leaves of a value to all, lists of numbers being leaves.
func flatten(all map[string]string, name string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			flatten(all, strings.TrimPrefix(name+"."+k, "."), x)
		}
		return
	case []any:
		if len(v) > 0 {
			if _, ok := v[0].(map[string]any); ok {
				for _, x := range v { // as in Method.Augment
					flatten(all, fmt.Sprint(x.(map[string]any)["type"]), x)
				}
				return
			}
		}
	}
	all[name] = fmt.Sprint(v)
}

// differing names the options of has that are not as usual, without the packages and
// fields that they stand in.
func differing(has, usual map[string]string) string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(has)) {
		if has[name] != usual[name] {
			names = append(names, short(name)+" "+strings.TrimPrefix(has[name], "nn."))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(usual)) {
		if _, ok := has[name]; !ok {
			names = append(names, "no "+short(name))
		}
	}
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

// short is the last part of a name, with the augmentation that it is of.
func short(name string) string {
	if rest, ok := strings.CutPrefix(name, "augment."); ok {
		return rest
	}
	return name[strings.LastIndex(name, ".")+1:]
}
