package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sslnotes/tracker"
)

// Retrieval is the share of pictures whose caption is the first, or among the
// first five, of those offered: of concepts seen in training among all captions,
// and of held-out concepts among themselves.
type Retrieval struct {
	Seen1 float64 `json:"seen_r1"`
	Seen5 float64 `json:"seen_r5"`
	Held1 float64 `json:"held_r1"`
	Held5 float64 `json:"held_r5"`
}

// A RetrievalFile is what is kept of a run of CLIP, or of what it is held
// against, and its answers about a style of emoji that it never saw.
type RetrievalFile struct {
	Name       string     `json:"name"`
	Judged     string     `json:"judged"`   // the set
	Training   string     `json:"training"` // digest of the set
	Pictures   int        `json:"training_pictures"`
	Seen       int        `json:"seen_pictures"`
	Candidates int        `json:"captions"`
	Held       int        `json:"held_pictures"`
	Answers    []Answered `json:"answers"`
	Command    string     `json:"command"`

	// Of a run alone, but for the seed and the numerics it was asked with.
	Run      string            `json:"run,omitempty"`
	Seed     uint64            `json:"seed,omitempty"`
	Digest   string            `json:"digest,omitempty"` // of its chain
	Config   json.RawMessage   `json:"config,omitempty"`
	Data     []tracker.DataRef `json:"data,omitempty"`
	Numerics string            `json:"numerics,omitempty"`
	Source   *tracker.Source   `json:"source,omitempty"`
	Loss     float64           `json:"loss,omitempty"`
	CPU      float64           `json:"cpu_seconds,omitempty"` // observed

	Peer *Peer `json:"peer,omitempty"` // whose answers these are, if PyTorch trained it

	Members []string `json:"members,omitempty"` // the files of the runs that answer together
}

// Answered is who answered, and how well.
type Answered struct {
	Who string `json:"who"`
	Retrieval
}

// Add adds answers. Of a run the first is that to the question as it is, and the
// second, if there is one, that of an ensemble.
func (f *RetrievalFile) Add(who string, r Retrieval) { f.Answers = append(f.Answers, Answered{who, r}) }

// Of says which run answers, and that it took so many CPU seconds.
func (f *RetrievalFile) Of(r tracker.Run, cpu float64) {
	source := r.Source
	f.Run, f.Seed, f.Digest, f.Config, f.Data = r.ID, r.Seed, r.Digest, r.Config, r.Data
	f.Numerics, f.Source, f.Loss, f.CPU = r.Numerics, &source, r.Metrics["loss"].Value, cpu
}

// With says that the run of a file is one of those that answer together.
func (f *RetrievalFile) With(member RetrievalFile) {
	f.Members = append(f.Members, member.Name)
	f.Numerics, f.CPU = member.Numerics, f.CPU+member.CPU
}

// CPUSeconds is what this process has used so far, or 0 if that is not known.
func CPUSeconds() float64 { return cpuTime().Seconds() }

// Names of files begin so: of models by a recipe, of the long ones of all seeds
// together, and of those that PyTorch trained by the first recipe.
const (
	RecipeName   = "clip"
	LongName     = "long"
	WideName     = "wide"
	TogetherName = "together"
	PeerPrefix   = "torch"
)

// RetrievalName is the name of the file of a recipe's model of a seed, with a choice of
// concepts held out, of which 0 is the usual one.
func RetrievalName(recipe string, fold int, seed uint64) string {
	switch {
	case fold == 0:
		return fmt.Sprintf("%s-%d", recipe, seed)
	case seed == 1:
		return fmt.Sprintf("%s-fold-%d", recipe, fold)
	}
	return fmt.Sprintf("%s-fold-%d-%d", recipe, fold, seed)
}

// FoldOf is the name of a set of emoji, or of a style of theirs, with another choice of
// concepts held out than the set has; 0 is the set's.
func FoldOf(set string, fold int) string {
	if fold == 0 {
		return set
	}
	return fmt.Sprintf("%s/fold-%d", set, fold)
}

// The commands that make the files that are missing.
const (
	retrievalCommand = "sslnotes retrieve --make"
	peersCommand     = "sslnotes retrieve --peers"
)

// Write writes the file into dir, which it makes.
func (f RetrievalFile) Write(dir string) error {
	f.Command = retrievalCommand
	if f.Peer != nil {
		f.Command = peersCommand
	}
	return f.write(dir)
}

func (f RetrievalFile) write(dir string) error {
	b, err := json.MarshalIndent(f, "", "  ")
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return fmt.Errorf("results: %w", err)
	}
	return replace(filepath.Join(dir, f.Name+".json"), append(b, '\n'))
}

// HasRetrieval says whether dir holds that file.
func HasRetrieval(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name+".json"))
	return err == nil
}

// ReadRetrieval reads a file of dir.
func ReadRetrieval(dir, name string) (f RetrievalFile, err error) {
	path := filepath.Join(dir, name+".json")
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &f)
	}
	if err != nil {
		return f, fmt.Errorf("results: %s: %w", path, err)
	}
	return f, nil
}

// retrieval writes the section on CLIP from the folder clip in dir, nothing if
// there is none.
func retrieval(dir string) (string, error) {
	dir = filepath.Join(dir, "clip")
	base, err := ReadRetrieval(dir, "baselines")
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	runs, err := retrievals(dir, RecipeName, base)
	if err != nil {
		return "", err
	}
	var more []recipeFiles
	for _, recipe := range moreRecipes {
		r, err := recipeIn(dir, recipe, base)
		if err != nil {
			return "", err
		}
		if len(r.folds[0]) > 0 {
			more = append(more, r)
		}
	}
	earlier, err := retrievals(dir, "earlier", base)
	if err != nil {
		return "", err
	}
	theirs, err := retrievals(dir, PeerPrefix, base)
	if err == nil {
		err = sameBudget(runs, theirs)
	}
	if err != nil {
		return "", err
	}
	table := retrievalTable(base, runs, more, earlier, theirs)
	if len(runs) == 0 {
		return table, nil
	}
	attempts, err := retrievalTried(filepath.Join(dir, tried), runs[0])
	return table + attempts, err
}

// retrievals reads the runs of a recipe, one a seed.
func retrievals(dir, recipe string, base RetrievalFile) (runs []RetrievalFile, err error) {
	for seed := 1; HasRetrieval(dir, fmt.Sprintf("%s-%d", recipe, seed)); seed++ {
		f, err := ReadRetrieval(dir, fmt.Sprintf("%s-%d", recipe, seed))
		if err != nil {
			return nil, err
		}
		if f.Training != base.Training || f.Judged != base.Judged || len(f.Answers) == 0 {
			return nil, fmt.Errorf("results: %s: %s is of other data than the baselines", dir, f.Name)
		}
		runs = append(runs, f)
	}
	return runs, nil
}

// recipeFiles are what there is of a recipe.
type recipeFiles struct {
	name  string
	title string
	folds [][]RetrievalFile // by the concepts held out, the base's own first, one a seed
}

// moreRecipes are those that are asked by an ensemble, too, and trained for other
// choices of concepts, and their titles.
var moreRecipes = []recipeFiles{{name: LongName, title: "CLIP, long"}, {name: TogetherName, title: "CLIP, long, of all seeds together"}, {name: WideName, title: "CLIP, wide"}}

// recipeIn reads what there is of a recipe.
func recipeIn(dir string, r recipeFiles, base RetrievalFile) (recipeFiles, error) {
	first, err := retrievals(dir, r.name, base)
	r.folds = [][]RetrievalFile{first}
	for fold := 1; err == nil && len(first) > 0 && HasRetrieval(dir, RetrievalName(r.name, fold, 1)); fold++ {
		var seeds []RetrievalFile
		for _, at := range first {
			name := RetrievalName(r.name, fold, max(1, at.Seed))
			if !HasRetrieval(dir, name) {
				break
			}
			f, err := ReadRetrieval(dir, name)
			if err != nil {
				return r, err
			}
			if f.Judged != FoldOf(base.Judged, fold) || len(f.Answers) != len(at.Answers) || f.Seed != at.Seed {
				return r, fmt.Errorf("results: %s: %s is of other data, or another seed, than its name and that of %s say", dir, f.Name, at.Name)
			}
			seeds = append(seeds, f)
		}
		r.folds = append(r.folds, seeds)
	}
	return r, err
}

// over are the runs of the seeds that every choice of concepts has, and how many seeds
// that are; nil if there is one choice alone.
func (r recipeFiles) over() (runs []RetrievalFile, seeds int) {
	if len(r.folds) < 2 {
		return nil, 0
	}
	seeds = len(r.folds[0])
	for _, fold := range r.folds {
		seeds = min(seeds, len(fold))
	}
	for _, fold := range r.folds {
		runs = append(runs, fold[:seeds]...)
	}
	return runs, seeds
}

// sameBudget returns an error unless peers trained as long as runs did.
func sameBudget(runs, theirs []RetrievalFile) error {
	for _, f := range theirs {
		if f.Peer == nil {
			return fmt.Errorf("results: %s does not say how PyTorch trained it", f.Name)
		}
		for _, r := range runs {
			if steps, batch := budget(r.Config); f.Peer.Steps != steps || f.Peer.Batch != batch {
				return fmt.Errorf("results: %s was trained for %d steps of %d, %s for %d of %d", f.Name, f.Peer.Steps, f.Peer.Batch, r.Name, steps, batch)
			}
		}
	}
	return nil
}

func retrievalTable(base RetrievalFile, runs []RetrievalFile, more []recipeFiles, earlier, theirs []RetrievalFile) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n## CLIP\n\nTrained on %d captioned emoji of several styles, each run asked once, the long and the wide ones by an ensemble, too, and the long ones of all seeds together, about a style that none saw, %s: %d pictures of concepts that training showed in other styles, for their captions among all %d; and %d pictures of concepts that training did not show, for theirs among themselves. In percent",
		base.Pictures, strings.TrimPrefix(base.Judged, "emoji-"), base.Seen, base.Candidates, base.Held)
	if n := len(runs); n > 0 {
		seeds := "one seed"
		if n > 1 {
			seeds = fmt.Sprintf("mean ± standard deviation over %d seeds", n)
		}
		fmt.Fprintf(&b, ", %s, %.1f CPU minutes each", seeds, cpuMinutes(runs))
		for _, r := range more {
			if r.name != TogetherName {
				fmt.Fprintf(&b, ", the %s ones %.1f", r.name, cpuMinutes(r.folds[0]))
			}
		}
		fmt.Fprintf(&b, ". Numerics %s", runs[0].Numerics)
	}
	b.WriteString(". By `" + retrievalCommand + "`")
	if len(earlier) > 0 {
		fmt.Fprintf(&b, ". An earlier recipe was asked before, in %d seeds under numerics %s. Recipes are chosen on a style that is held out of training for that", len(earlier), earlier[0].Numerics)
	}
	if len(theirs) > 0 {
		fmt.Fprintf(&b, ". %s", fmt.Sprintf(besideCLIP, len(theirs)))
	}
	asked := slices.Clone(runs)
	for _, r := range more {
		asked = append(asked, r.folds[0]...)
	}
	if slices.ContainsFunc(asked, func(f RetrievalFile) bool { return len(f.Answers) > 1 }) {
		b.WriteString(". An ensemble averages the features of 16 random views of each picture, and of 16 random choices of each caption's phrases, with those of the whole, and counts less what is similar to all pictures of training (`clip.RecipeEnsemble`)")
	}
	b.WriteString(".\n\n| | seen: R@1 | R@5 | held out: R@1 | R@5 |\n|---|---|---|---|---|\n")
	row := func(who string, show func(get func(Retrieval) float64) string) {
		fmt.Fprintf(&b, "| %s |", who)
		for _, get := range []func(Retrieval) float64{
			func(r Retrieval) float64 { return r.Seen1 }, func(r Retrieval) float64 { return r.Seen5 },
			func(r Retrieval) float64 { return r.Held1 }, func(r Retrieval) float64 { return r.Held5 },
		} {
			fmt.Fprintf(&b, " %s |", show(get))
		}
		b.WriteString("\n")
	}
	each := func(runs []RetrievalFile, get func(Retrieval) float64, answer int) (all []float64) {
		for _, f := range runs {
			if answer < len(f.Answers) {
				all = append(all, get(f.Answers[answer].Retrieval))
			}
		}
		return all
	}
	seen1 := func(r Retrieval) float64 { return r.Seen1 }
	of := func(who string, runs []RetrievalFile) {
		for answer, how := range []string{"", ByEnsemble} {
			if len(runs) > 0 && len(runs[0].Members) > 0 {
				how = ByEnsemble
			}
			if len(each(runs, seen1, answer)) > 0 {
				row(who+how, func(get func(Retrieval) float64) string { return cell(each(runs, get, answer)) })
			}
		}
	}
	of("CLIP", runs)
	of("CLIP in PyTorch", theirs)
	if len(runs) > 0 && len(theirs) > 0 {
		row("CLIP above PyTorch's", func(get func(Retrieval) float64) string { return difference(each(runs, get, 0), each(theirs, get, 0)) })
	}
	for _, r := range more {
		of(r.title, r.folds[0])
		runs, seeds := r.over()
		over := fmt.Sprintf("%s, over %d choices of concepts to hold out", r.title, len(r.folds))
		if seeds > 1 {
			over += fmt.Sprintf(" and %d seeds", seeds)
		}
		of(over, runs)
	}
	of("CLIP, by an earlier recipe", earlier)
	for _, a := range base.Answers {
		row(a.Who, func(get func(Retrieval) float64) string { return fmt.Sprintf("%.1f", 100*get(a.Retrieval)) })
	}
	return b.String()
}

// cpuMinutes is what runs took each.
func cpuMinutes(runs []RetrievalFile) (mean float64) {
	for _, f := range runs {
		mean += f.CPU / 60 / float64(len(runs))
	}
	return mean
}

// ByEnsemble marks the answers of an ensemble.
const ByEnsemble = ", by an ensemble"

// besideCLIP tells of so many peers.
const besideCLIP = "For CLIP in PyTorch, encoders, loss, augmentation, optimizer, schedule and number of steps were written again (`sslkit/bench/peers/clip.py`); it trained there on the same pictures and captions in the same tokens, with random numbers of its own, in %d seeds, and our program asked it. The difference stands with its standard error, which counts both spreads since the seeds are not pairs. With our random numbers in place of its own and a hundred times the decay, PyTorch's first 40 losses are ours to the roundings of float32 (`TestStepsAreThePeers`)"
