package results

import (
	"fmt"
	"slices"
	"strings"

	"sslnotes/sslkit"
	"sslnotes/sslkit/clip"
	"sslnotes/sslkit/contrastive"
	"sslnotes/sslkit/mae"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/pipeline"
	"sslnotes/sslkit/pretext"
)

// A Plan says what to make. The zero value is the project's tables.
type Plan struct {
	Data     string          // name of the set. If "", fashion-mnist.
	Transfer string          // another set, for the probe of what was learnt on Data. If "", mnist.
	Seeds    int             // 1, 2, 3 … If 0, three.
	Subsets  int             // draws of few labels. If 0, five.
	Labels   int             // labelled images a class where they are few. If 0, 10.
	Epochs   map[string]int  // of pre-training, by method. If 0, the plan's.
	Methods  []string        // names. If nil, all.
	Encoder  nn.Plan         // of the methods that are not bound to another. If nil, nn.ConvNet of 32, 64 and 256 channels.
	Patches  nn.Plan         // of those that need patches. If nil, nn.ViT.
	Tuning   pipeline.Tuning // of fine-tuning and supervised training. If Steps is 0, those of passes; if BatchSize is 0, 64, or 128 from 10,000 images on.
	Style    string          // If not "", a style of emoji that Data has not; see Emoji.
}

// method is one of the methods of the table.
type method struct {
	name    string
	title   string
	make    func() sslkit.Method
	patches bool    // needs the encoder of patches
	epochs  int     // If 0, it is not in the table.
	passes  float64 // work for an image, in passes of one view through the encoder
	long    bool    // trained for many epochs: for one seed alone, after all other rows
	emoji   int     // epochs on emoji. If 0, it is not trained on them.

	schedule pipeline.Schedule // but for its length and seed. If zero, the method's.
}

// Epochs are chosen so that pre-training takes two to ten minutes of CPU time on
// one core of 2021; the long rows have five times as many or more. SimCLR is there with
// four times as many, too.
var methods = []method{
	{name: "simclr", title: "SimCLR", make: func() sslkit.Method { return &contrastive.SimCLR{} }, epochs: 8, passes: 2, emoji: 40},
	{name: "moco", title: "MoCo v2", make: func() sslkit.Method { return &contrastive.MoCo{} }, epochs: 8, passes: 1.5, emoji: 40},
	{name: "byol", title: "BYOL", make: func() sslkit.Method { return &contrastive.BYOL{} }, epochs: 8, passes: 2.6, emoji: 40},
	{name: "swav", title: "SwAV", make: func() sslkit.Method { return &contrastive.SwAV{} }, epochs: 5, passes: 3, emoji: 30},
	{name: "dino", title: "DINO", make: func() sslkit.Method { return &contrastive.DINO{} }, epochs: 6, passes: 4, emoji: 30},
	{name: "rotation", title: "rotation", make: func() sslkit.Method { return &pretext.Rotation{} }, epochs: 3, passes: 4, emoji: 20},
	{name: "jigsaw", title: "jigsaw", make: func() sslkit.Method { return &pretext.Jigsaw{} }, epochs: 5, passes: 0.8, emoji: 20},
	{name: "context", title: "context prediction", make: func() sslkit.Method { return &pretext.Context{} }, epochs: 5, passes: 0.8, emoji: 20},
	{name: "inpainting", title: "inpainting", make: func() sslkit.Method { return &pretext.Inpainting{} }, epochs: 5, passes: 1.1, emoji: 20},
	{name: "colorization", title: "colorization", make: func() sslkit.Method { return &pretext.Colorization{} }, passes: 1.1, emoji: 60},
	{name: "clip", title: "CLIP", make: captioned, passes: 2, emoji: 130, schedule: pipeline.Schedule{BatchSize: 256, LearningRate: 4e-3}},
	{name: "mae", title: "MAE", make: func() sslkit.Method { return &mae.Autoencoder{} }, epochs: 6, passes: 1.6, patches: true},
	{name: "simsiam", title: "SimSiam", make: func() sslkit.Method { return &contrastive.SimSiam{} }, epochs: 8, passes: 2, emoji: 40},
	{name: "simclr-mid", title: "SimCLR, 32 epochs", make: func() sslkit.Method { return &contrastive.SimCLR{} }, epochs: 32, passes: 2},
	{name: "simclr-long", title: "SimCLR, long", make: func() sslkit.Method { return &contrastive.SimCLR{} }, epochs: 60, passes: 2, long: true},
	{name: "mae-long", title: "MAE, long", make: func() sslkit.Method { return &mae.Autoencoder{} }, epochs: 30, passes: 1.6, patches: true, long: true},
}

// captioned is CLIP by clip.LongRecipe but for Map, with which the mean of the encoder's
// map, which is judged here, is not what was trained.
func captioned() sslkit.Method {
	_, m, _ := clip.LongRecipe()
	m.Map = false
	return m
}

func methodOf(name string) (method, bool) {
	for _, m := range methods {
		if m.name == name {
			return m, true
		}
	}
	return method{}, false
}

// Encoders that no method makes; those of patches have the suffix.
const (
	random     = "random"
	supervised = "supervised"
	pixels     = "pixels"
	ofPatches  = "-vit"
)

// A Row is one run of a plan.
type Row struct {
	Name    string `json:"name"`             // of its file
	Encoder string `json:"encoder"`          // a method, "random", "supervised", both with "-vit" too, or "pixels"
	Seed    uint64 `json:"seed"`             // 0 for pixels
	Judge   string `json:"judge,omitempty"`  // "probe", "knn", "transfer" or "finetune"; on emoji as emoji.go says; "" makes the encoder
	Labels  int    `json:"labels,omitempty"` // labelled images a class; 0: all
	Subset  int    `json:"subset"`           // which draw of them
	Epochs  int    `json:"epochs,omitempty"` // of pre-training
}

// group is what one process makes alone: an encoder and its judgements, or one
// training from scratch.
func (r Row) group() string {
	if strings.HasPrefix(r.Encoder, supervised) {
		return r.Name
	}
	return fmt.Sprintf("%s-%d", r.Encoder, r.Seed)
}

// resolve fills in the defaults.
func (p Plan) resolve() Plan {
	if p.Data == "" {
		p.Data = "fashion-mnist"
	}
	if p.Transfer == "" {
		p.Transfer = "mnist"
	}
	if p.Seeds == 0 {
		p.Seeds = 3
	}
	if p.Subsets == 0 {
		p.Subsets = 5
	}
	if p.Labels == 0 {
		p.Labels = 10
	}
	if p.Encoder == nil {
		p.Encoder = nn.ConvNet{Channels: []int{32, 64, 256}}
	}
	if p.Patches == nil {
		p.Patches = nn.ViT{}
	}
	return p
}

// passes is how often fine-tuning and supervised training of an encoder see the
// images, and the steps that they take at least. An image costs a ViT ten times as
// much.
func passes(encoder string) (times, least int) {
	if patches(encoder) {
		return 3, 300
	}
	return 10, 1000
}

// tuning is how n images with labels train an encoder.
func (p Plan) tuning(encoder string, n int) pipeline.Tuning {
	t := p.Tuning
	if t.BatchSize == 0 {
		t.BatchSize = 64
		if n >= 10000 {
			t.BatchSize = 128
		}
	}
	t.BatchSize = min(t.BatchSize, n)
	if t.Steps == 0 {
		times, least := passes(encoder)
		t.Steps = max(least, times*n/t.BatchSize)
	}
	return t
}

// methods lists the plan's.
func (p Plan) methods() (all []method) {
	for _, m := range methods {
		if p.Style != "" {
			m.epochs = m.emoji
		}
		if m.epochs != 0 && (p.Methods == nil || slices.Contains(p.Methods, m.name)) {
			all = append(all, m)
		}
	}
	return all
}

// patches says whether an encoder is the one of patches.
func patches(encoder string) bool {
	m, _ := methodOf(encoder)
	return m.patches || strings.HasSuffix(encoder, ofPatches)
}

// architecture of an encoder by name.
func (p Plan) architecture(encoder string) nn.Plan {
	if patches(encoder) {
		return p.Patches
	}
	return p.Encoder
}

// baseline names what stands beside an encoder of the same architecture.
func baseline(kind, encoder string) string {
	if patches(encoder) {
		return kind + ofPatches
	}
	return kind
}

// kinds are the endings of baselines that the plan's methods need.
func (p Plan) kinds() []string {
	all := []string{""}
	if slices.ContainsFunc(p.methods(), func(m method) bool { return m.patches }) {
		all = append(all, ofPatches)
	}
	return all
}

// Rows lists the plan's rows in the order in which they are made: seed by seed
// every encoder and what judges it in seconds, then seed by seed what takes
// training again, then the long ones.
func (p Plan) Rows() []Row {
	p = p.resolve()
	if p.Style != "" {
		return p.emoji()
	}
	rows := p.quick(Row{Name: pixels, Encoder: pixels})
	for seed := uint64(1); seed <= uint64(p.Seeds); seed++ {
		for _, e := range p.encoders(seed) {
			rows = append(rows, p.quick(e)...)
		}
	}
	rows = append(rows, p.judgement(Row{Name: pixels, Encoder: pixels}, "transfer", 0, 0))
	for seed := uint64(1); seed <= uint64(p.Seeds); seed++ {
		for _, e := range p.encoders(seed) {
			rows = append(rows, p.slow(e)...)
		}
		for _, kind := range p.kinds() {
			rows = append(rows, p.fromScratch(supervised+kind, seed)...)
		}
	}
	for _, m := range p.methods() {
		if m.long {
			e := p.pretraining(m, 1)
			rows = append(append(rows, p.quick(e)...), p.slow(e)...)
		}
	}
	return rows
}

// pretraining is a row that makes an encoder.
func (p Plan) pretraining(m method, seed uint64) Row {
	epochs := m.epochs
	if n := p.Epochs[m.name]; n != 0 {
		epochs = n
	}
	return Row{Name: fmt.Sprintf("%s-%d", m.name, seed), Encoder: m.name, Seed: seed, Epochs: epochs}
}

// encoders lists a seed's rows that make encoders, but for the long ones.
func (p Plan) encoders(seed uint64) (rows []Row) {
	for _, m := range p.methods() {
		if !m.long {
			rows = append(rows, p.pretraining(m, seed))
		}
	}
	for _, kind := range p.kinds() {
		rows = append(rows, Row{Name: fmt.Sprintf("%s%s-%d", random, kind, seed), Encoder: random + kind, Seed: seed})
	}
	return rows
}

// judgement of an encoder.
func (p Plan) judgement(e Row, judge string, labels, subset int) Row {
	r := Row{Encoder: e.Encoder, Seed: e.Seed, Judge: judge, Labels: labels, Subset: subset, Epochs: e.Epochs}
	r.Name = e.Name + "-" + judge
	if labels != 0 {
		r.Name += fmt.Sprintf("-%d-labels-%d", labels, subset)
	}
	return r
}

// quick lists an encoder and the judgements of its features.
func (p Plan) quick(e Row) []Row {
	rows := []Row{e, p.judgement(e, "probe", 0, 0), p.judgement(e, "knn", 0, 0)}
	for subset := range p.Subsets {
		rows = append(rows, p.judgement(e, "probe", p.Labels, subset))
	}
	return rows
}

// slow lists the judgements that train, and the transfer.
func (p Plan) slow(e Row) []Row {
	rows := []Row{p.judgement(e, "transfer", 0, 0)}
	if _, ok := methodOf(e.Encoder); !ok {
		return rows // fine-tuned random weights are supervised training
	}
	for _, few := range p.few(e.Encoder) {
		rows = append(rows, p.judgement(e, "finetune", few[0], few[1]))
	}
	return append(rows, p.judgement(e, "finetune", 0, 0))
}

// few lists numbers of labels a class and draws of them for training; masked
// autoencoders are meant to be fine-tuned, so theirs reach further.
func (p Plan) few(encoder string) (all [][2]int) {
	for subset := range p.Subsets {
		all = append(all, [2]int{p.Labels, subset})
	}
	if patches(encoder) {
		all = append(all, [2]int{10 * p.Labels, 0}, [2]int{100 * p.Labels, 0})
	}
	return all
}

func (p Plan) fromScratch(encoder string, seed uint64) (rows []Row) {
	for _, few := range p.few(encoder) {
		rows = append(rows, Row{Name: fmt.Sprintf("%s-%d-%d-labels-%d", encoder, seed, few[0], few[1]), Encoder: encoder, Seed: seed, Labels: few[0], Subset: few[1]})
	}
	return append(rows, Row{Name: fmt.Sprintf("%s-%d", encoder, seed), Encoder: encoder, Seed: seed})
}

// cost is a row's work in images that pass a ResNet forward and backward; other
// work is counted as so many images as it takes the time of.
func (r Row) cost(images int) float64 {
	const probe = 25000
	n := float64(images)
	m, isMethod := methodOf(r.Encoder)
	training := r.Judge == "finetune" || strings.HasPrefix(r.Encoder, supervised)
	switch {
	case training && r.Labels == 0:
		times, _ := passes(r.Encoder)
		return float64(times) * n
	case training:
		_, least := passes(r.Encoder)
		return float64(64 * least)
	case r.Judge == "" && isMethod:
		return n * float64(r.Epochs) * m.passes
	case r.Judge == "":
		return 5000
	case r.Labels == 0 && !strings.HasSuffix(r.Judge, "knn"):
		return n + probe*2
	}
	return probe / 8
}
