package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"sslnotes/internal/results"
	"sslnotes/sslkit/clip"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/pipeline"
	"sslnotes/sslkit/tensor"
	"sslnotes/tracker"
)

// retrieveOptions are the flags of retrieve.
type retrieveOptions struct {
	training, style, dir, weights string
	export, peers                 string
	baselines, make, tried        bool
	lengths                       bool
	seeds, folds                  int
}

// judgedStyle is the set that the recipe's runs are judged by.
const judgedStyle = "emoji-twitter"

// retrieve is hidden: it serves this project's own numbers of CLIP.
func (a *app) retrieve() *cobra.Command {
	var o retrieveOptions
	c := &cobra.Command{
		Use:    "retrieve [RUN...]",
		Hidden: true,
		Short:  "Ask runs of CLIP for the captions of emoji in a style they never saw",
		Long: `Ask runs of CLIP, and baselines, for the captions of emoji in a style that they
never saw: of concepts they trained on among all captions, and of concepts they
never saw among themselves.

--make makes the runs of this project's recipes instead, one a seed, and of the
long one for other choices of the concepts that are held out, and leaves what they,
those of all seeds together, and the baselines answer in --dir. What is there
already is not made again. The first seed's weights of the long one become those
that clip.Pretrained returns.

A RUN has trained on all of --training, as pipeline.Pretrain does; "sslnotes train"
holds a part out. Several runs are asked together, too, as an ensemble.

--tried keeps what a run answers among what was tried before the recipe was
chosen: of a style that is held out for choosing, not the one that --make judges
by.

--lengths trains by the recipes for fewer steps than theirs on the sets by which
recipes are chosen, and keeps what those runs answer among what was tried, too.

--export writes the set that the recipe trains on into a folder, for
sslkit/bench/peers/clip.py, which trains by the recipe in PyTorch. --peers asks
the models that it left in a folder what --make asks ours.`,
		Example: `  sslnotes retrieve clip-1
  sslnotes retrieve --make --seeds 3
  sslnotes retrieve --lengths
  sslnotes retrieve clip-2 --tried --training emoji-google-fluent-flat-firefox --style emoji-blobs
  sslnotes retrieve --export out/emoji
  sslnotes retrieve --peers out/peers/clip`,
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case o.make:
				return a.makeRetrieval(c.Context(), o)
			case o.lengths:
				return a.makeLengths(c.Context(), o)
			case o.export != "":
				return exportSet(o.export)
			case o.peers != "":
				return a.askPeers(o)
			}
			return a.runRetrieve(c.Context(), o, args)
		},
	}
	f := c.Flags()
	f.StringVar(&o.training, "training", clip.RecipeData, "the set that runs and baselines learned from")
	f.StringVar(&o.style, "style", judgedStyle, "the set that is judged")
	f.BoolVar(&o.baselines, "baselines", true, "ask the baselines too, which takes minutes")
	f.BoolVar(&o.make, "make", false, "make the runs of the recipes")
	f.IntVar(&o.seeds, "seeds", 3, "with --make, the runs")
	f.IntVar(&o.folds, "folds", 3, "with --make, the choices of concepts that are held out, of the first seed")
	f.StringVar(&o.dir, "dir", "sslkit/results/clip", "with --make, --peers, --tried or --lengths, the folder of what was answered")
	f.StringVar(&o.weights, "weights", "sslkit/clip/pretrained.safetensors", "with --make, the file of the first long run's weights")
	f.StringVar(&o.export, "export", "", "write the recipe's training set into this folder")
	f.StringVar(&o.peers, "peers", "", "ask the models that sslkit/bench/peers/clip.py left in this folder")
	f.BoolVar(&o.tried, "tried", false, "keep what the runs answer among what was tried")
	f.BoolVar(&o.lengths, "lengths", false, "make shorter runs of the recipes, for what was tried")
	c.MarkFlagsMutuallyExclusive("make", "export", "peers", "tried", "lengths")
	return c
}

// questions asks about a style's pictures what a training set tells.
func questions(training, style string) (r retrieval, err error) {
	if r.training, _, err = data.Open(training); err != nil {
		return r, err
	}
	seen, held, err := data.Open(style)
	if err != nil {
		return r, err
	}
	r.known, r.unknown, err = clip.Questions(r.training, seen, held)
	return r, err
}

// retrieval is two questions and the pictures that tell of the first.
type retrieval struct {
	training       *data.Set
	known, unknown clip.Question
}

// answers are R@1 and R@5 of both questions.
func (r retrieval) answers(known, unknown *tensor.Tensor) results.Retrieval {
	return results.Retrieval{
		Seen1: clip.Retrieval(known, r.known.Truth, 1), Seen5: clip.Retrieval(known, r.known.Truth, 5),
		Held1: clip.Retrieval(unknown, r.unknown.Truth, 1), Held5: clip.Retrieval(unknown, r.unknown.Truth, 5),
	}
}

func (r retrieval) chance() results.Retrieval {
	k, u := r.known.Chance(), r.unknown.Chance()
	return results.Retrieval{Seen1: k, Seen5: 5 * k, Held1: u, Held5: 5 * u}
}

// penalties are those of ridge regressions.
var penalties = []float64{0.1, 1, 10}

func (r retrieval) ridge(penalty float64) (results.Retrieval, error) {
	a, err := r.known.Ridge(r.training, penalty)
	if err != nil {
		return results.Retrieval{}, err
	}
	b, err := r.unknown.Ridge(r.training, penalty)
	return r.answers(a, b), err
}

func (a *app) runRetrieve(ctx context.Context, o retrieveOptions, runs []string) error {
	if _, style, _ := strings.Cut(judgedStyle, "-"); o.tried && (o.style == "emoji" || strings.Contains(o.style, style)) {
		return fmt.Errorf("--style is %s, and the recipes' runs are judged by %s: options are chosen by another", o.style, judgedStyle)
	}
	if o.tried && len(runs) == 0 {
		return errors.New("--tried needs a RUN")
	}
	r, err := questions(o.training, o.style)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%-24s %d pictures among %d    %d pictures among %d\n", "R@1 and R@5 (%)",
		r.known.Pictures.Len(), len(r.known.Candidates), r.unknown.Pictures.Len(), len(r.unknown.Candidates))
	line := func(name string, x results.Retrieval) {
		fmt.Fprintf(a.out, "%-24s %6.2f %6.2f            %6.2f %6.2f\n", name, 100*x.Seen1, 100*x.Seen5, 100*x.Held1, 100*x.Held5)
	}
	line("chance", r.chance())
	all := r.about("", o)
	var models []*clip.CLIP
	for _, ref := range runs {
		run, m, err := a.modelOf(ctx, ref)
		if err != nil {
			return err
		}
		rec, err := run.Record()
		if err != nil {
			return err
		}
		if d := rec.Data[0]; d.Digest != r.training.Digest() {
			return fmt.Errorf("run %s trained on %s, %s, and --training is all of %s", ref, d.Name, d.Split, o.training)
		}
		f := r.about("", o)
		r.ask(&f, ref, m, true)
		for _, answer := range f.Answers {
			line(answer.Who, answer.Retrieval)
		}
		if o.tried {
			if err := r.keepTried(o, rec, &f); err != nil {
				return err
			}
		}
		models = append(models, m)
		all.With(f)
	}
	if len(models) > 1 {
		r.together(&all, models)
		line(all.Answers[0].Who, all.Answers[0].Retrieval)
		if o.tried {
			if err := all.WriteTried(o.dir); err != nil {
				return err
			}
		}
	}
	if o.tried || !o.baselines {
		return nil
	}
	line("nearest pixels", r.answers(r.known.Neighbour(r.training), r.unknown.Neighbour(r.training)))
	for _, penalty := range penalties {
		x, err := r.ridge(penalty)
		if err != nil {
			return err
		}
		line(fmt.Sprintf("ridge, penalty %g", penalty), x)
	}
	return nil
}

// modelOf loads a run of CLIP with what it trained.
func (a *app) modelOf(ctx context.Context, ref string) (*pipeline.Run, *clip.CLIP, error) {
	s, err := a.session(ctx)
	if err != nil {
		return nil, nil, err
	}
	run, err := s.Load(ref)
	if err != nil {
		return nil, nil, err
	}
	m, ok := run.Method().(*clip.CLIP)
	if !ok {
		return nil, nil, fmt.Errorf("run %s is no finished run of CLIP", run.Name())
	}
	return run, m, nil
}

// ask adds a model's answers to a file, if together with those of an ensemble.
func (r retrieval) ask(f *results.RetrievalFile, who string, m *clip.CLIP, together bool) {
	f.Add(who, r.answers(r.known.Answer(m), r.unknown.Answer(m)))
	if together {
		e := clip.RecipeEnsemble(r.training)
		f.Add(who+results.ByEnsemble, r.answers(e.Answer(m, r.known), e.Answer(m, r.unknown)))
	}
}

// keepTried keeps what a run answers.
func (r retrieval) keepTried(o retrieveOptions, rec tracker.Run, f *results.RetrievalFile) error {
	f.Name = fmt.Sprintf("clip-%.8s", rec.Digest)
	f.Of(rec, 0)
	return f.WriteTried(o.dir)
}

// makeRetrieval makes what is missing in o.dir.
func (a *app) makeRetrieval(ctx context.Context, o retrieveOptions) error {
	r, err := questions(clip.RecipeData, o.style)
	if err != nil {
		return err
	}
	about, fold := r, 0
	open := func(of int) (retrieval, retrieveOptions, error) {
		to := o
		to.style = results.FoldOf(o.style, of)
		if of != fold {
			about, err = questions(results.FoldOf(clip.RecipeData, of), to.style)
			fold = of
		}
		return about, to, err
	}
	for _, run := range o.runs() {
		if results.HasRetrieval(o.dir, run.name) {
			continue
		}
		about, to, err := open(run.fold)
		if err != nil {
			return err
		}
		if err := a.makeRun(ctx, about, to, run); err != nil {
			return err
		}
		fmt.Fprintf(a.out, "%s is in %s\n", run.name, o.dir)
	}
	for fold := range o.folds {
		if o.seeds < 2 || results.HasRetrieval(o.dir, results.RetrievalName(results.TogetherName, fold, 1)) {
			continue
		}
		about, to, err := open(fold)
		if err != nil {
			return err
		}
		if err := a.makeTogether(ctx, about, to, fold); err != nil {
			return err
		}
	}
	if results.HasRetrieval(o.dir, "baselines") {
		return nil
	}
	return r.makeBaselines(o)
}

// about begins a file of what is answered.
func (r retrieval) about(name string, o retrieveOptions) results.RetrievalFile {
	return results.RetrievalFile{Name: name, Judged: o.style, Training: r.training.Digest(), Pictures: r.training.Len(),
		Seen: len(r.known.Truth), Candidates: len(r.known.Candidates), Held: len(r.unknown.Truth)}
}

func (r retrieval) makeBaselines(o retrieveOptions) error {
	b := r.about("baselines", o)
	b.Add("chance", r.chance())
	b.Add("nearest neighbour in raw pixels", r.answers(r.known.Neighbour(r.training), r.unknown.Neighbour(r.training)))
	for _, penalty := range penalties {
		x, err := r.ridge(penalty)
		if err != nil {
			return err
		}
		b.Add(fmt.Sprintf("ridge regression of words on pixels, penalty %g", penalty), x)
	}
	return b.Write(o.dir)
}

// A clipRecipe is what --make trains by.
type clipRecipe struct {
	name     string // by which its files begin
	make     func() (nn.Plan, *clip.CLIP, pipeline.Schedule)
	ensemble bool // asked by one, too
	folds    bool // trained for other choices of what is held out, and asked together
	once     bool // for the first seed alone
}

var clipRecipes = []clipRecipe{
	{name: results.RecipeName, make: clip.Recipe},
	{name: results.LongName, make: clip.LongRecipe, ensemble: true, folds: true},
	{name: results.WideName, make: wide, ensemble: true, once: true},
}

// wide is clip.Recipe with an encoder of twice the channels. By an ensemble it did best
// on the held-out concepts by which recipes are chosen, in one seed and within its error.
func wide() (nn.Plan, *clip.CLIP, pipeline.Schedule) {
	_, m, s := clip.Recipe()
	return nn.ConvNet{Channels: []int{64, 128, 256}}, m, s
}

// pretrained is the run whose weights are kept.
const pretrained = results.LongName + "-1"

// A clipRun is one of those that --make makes.
type clipRun struct {
	clipRecipe
	name string // of its file
	seed uint64
	fold int // 0: the concepts that are always held out
}

func (o retrieveOptions) runs() (all []clipRun) {
	for _, recipe := range clipRecipes {
		for fold := range max(1, o.folds) {
			for seed := range uint64(o.seeds) {
				if (fold == 0 || recipe.folds) && (seed == 0 || !recipe.once) {
					all = append(all, clipRun{recipe, results.RetrievalName(recipe.name, fold, seed+1), seed + 1, fold})
				}
			}
		}
	}
	return all
}

// makeRun trains by a recipe and asks once.
func (a *app) makeRun(ctx context.Context, r retrieval, o retrieveOptions, by clipRun) error {
	s, err := a.session(ctx)
	if err != nil {
		return err
	}
	plan, m, schedule := by.make()
	schedule.Seed = by.seed
	if by.fold == 0 {
		schedule.Diagnostics = -1 // as in the records there are
	}
	f, err := r.train(s, r.about(by.name, o), plan, m, schedule, by.ensemble)
	if err != nil {
		return err
	}
	if by.name == pretrained {
		if err := writeWeights(o.weights, m); err != nil {
			return err
		}
	}
	return f.Write(o.dir)
}

// The sets by which recipes are chosen: pictures to train on, and a style to ask about.
const (
	choosingData  = "emoji-google-fluent-flat-firefox"
	choosingStyle = "emoji-blobs"
)

// makeLengths makes what is missing of shorter runs of the recipes.
func (a *app) makeLengths(ctx context.Context, o retrieveOptions) error {
	o.style = choosingStyle
	r, err := questions(choosingData, o.style)
	if err != nil {
		return err
	}
	s, err := a.session(ctx)
	if err != nil {
		return err
	}
	for _, recipe := range clipRecipes {
		if recipe.once {
			continue
		}
		_, _, whole := recipe.make()
		for _, part := range []int{4, 2} {
			name := results.LengthName(recipe.name, whole.Steps/part)
			if results.HasTried(o.dir, name) {
				continue
			}
			plan, m, schedule := recipe.make()
			schedule.Seed, schedule.Steps = 1, whole.Steps/part
			f, err := r.train(s, r.about(name, o), plan, m, schedule, true)
			if err != nil {
				return err
			}
			if err := f.WriteTried(o.dir); err != nil {
				return err
			}
			fmt.Fprintf(a.out, "%s is in %s\n", name, o.dir)
		}
	}
	return nil
}

// makeTogether asks the long runs of all seeds together.
func (a *app) makeTogether(ctx context.Context, r retrieval, o retrieveOptions, fold int) error {
	f := r.about(results.RetrievalName(results.TogetherName, fold, 1), o)
	var models []*clip.CLIP
	for seed := range uint64(o.seeds) {
		member, err := results.ReadRetrieval(o.dir, results.RetrievalName(results.LongName, fold, seed+1))
		if err != nil {
			return err
		}
		_, m, err := a.modelOf(ctx, member.Run)
		if err != nil {
			return fmt.Errorf("%s in %s is of a run that is not in the store: %w; without that file it is made again", member.Name, o.dir, err)
		}
		models = append(models, m)
		f.With(member)
	}
	r.together(&f, models)
	return f.Write(o.dir)
}

// together adds the answers of models together.
func (r retrieval) together(f *results.RetrievalFile, models []*clip.CLIP) {
	e := clip.RecipeEnsemble(r.training)
	f.Add(fmt.Sprintf("CLIP, %d runs together", len(models)), r.answers(e.Together(models, r.known), e.Together(models, r.unknown)))
}

// train trains on the pictures that tell, and adds the run and what it answers to a file.
func (r retrieval) train(s *pipeline.Session, f results.RetrievalFile, plan nn.Plan, m *clip.CLIP, schedule pipeline.Schedule, ensemble bool) (results.RetrievalFile, error) {
	before := results.CPUSeconds()
	run, err := s.Pretrain(plan, m, r.training.Unlabelled(), schedule)
	if err != nil {
		return f, err
	}
	rec, err := run.Record()
	if err != nil {
		return f, err
	}
	f.Of(rec, results.CPUSeconds()-before)
	r.ask(&f, "CLIP", m, ensemble)
	return f, nil
}

func writeWeights(path string, m *clip.CLIP) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := clip.WriteWeights(f, m); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
