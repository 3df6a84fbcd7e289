package results

import (
	"fmt"

	"sslnotes/sslkit"
	"sslnotes/sslkit/contrastive"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/pipeline"
	"sslnotes/sslkit/pretext"
)

// A Plan says what to make. The zero value is the README's table.
type Plan struct {
	Data    string          // name of the set. If "", fashion-mnist.
	Seeds   int             // 1, 2, 3 … If 0, three.
	Subsets int             // draws of few labels. If 0, five.
	Labels  int             // labelled images a class where they are few. If 0, 10.
	Epochs  map[string]int  // of pre-training, by method. If 0, the plan's.
	Encoder nn.Plan         // If nil, nn.ResNet.
	Tuning  pipeline.Tuning // of fine-tuning and supervised training
}

// method is one of the methods of the table.
type method struct {
	name   string
	title  string
	make   func() sslkit.Method
	epochs int // of Fashion-MNIST: about six minutes on two threads
	views  int // that pass the encoder for each image
}

var methods = []method{
	{"simclr", "SimCLR", func() sslkit.Method { return &contrastive.SimCLR{} }, 6, 2},
	{"rotation", "rotation", func() sslkit.Method { return &pretext.Rotation{} }, 2, 4},
}

func methodOf(name string) (method, bool) {
	for _, m := range methods {
		if m.name == name {
			return m, true
		}
	}
	return method{}, false
}

// A Row is one run of a plan.
type Row struct {
	Name    string `json:"name"`             // of its file
	Encoder string `json:"encoder"`          // a method, "random", "pixels" or "supervised"
	Seed    uint64 `json:"seed"`             // 0 for pixels
	Judge   string `json:"judge,omitempty"`  // "probe", "knn" or "finetune"; "" makes the encoder
	Labels  int    `json:"labels,omitempty"` // labelled images a class; 0: all
	Subset  int    `json:"subset"`           // which draw of them
	Epochs  int    `json:"epochs,omitempty"` // of pre-training
}

// resolve fills in the defaults.
func (p Plan) resolve() Plan {
	if p.Data == "" {
		p.Data = "fashion-mnist"
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
		p.Encoder = nn.ResNet{}
	}
	return p
}

// Rows lists the plan's rows in the order in which they are made.
func (p Plan) Rows() []Row {
	p = p.resolve()
	all := p.judged(Row{Name: "pixels", Encoder: "pixels"})
	for seed := range uint64(p.Seeds) {
		seed++
		for _, m := range methods {
			epochs := m.epochs
			if n := p.Epochs[m.name]; n != 0 {
				epochs = n
			}
			all = append(all, p.judged(Row{Name: fmt.Sprintf("%s-%d", m.name, seed), Encoder: m.name, Seed: seed, Epochs: epochs})...)
		}
		all = append(all, p.judged(Row{Name: fmt.Sprintf("random-%d", seed), Encoder: "random", Seed: seed})...)
		all = append(all, p.supervised(seed)...)
	}
	return all
}

// judged lists an encoder and its judgements.
func (p Plan) judged(e Row) []Row {
	judgement := func(judge string, labels, subset int) Row {
		r := Row{Encoder: e.Encoder, Seed: e.Seed, Judge: judge, Labels: labels, Subset: subset, Epochs: e.Epochs}
		r.Name = e.Name + "-" + judge
		if labels != 0 {
			r.Name += fmt.Sprintf("-%d-labels-%d", labels, subset)
		}
		return r
	}
	rows := []Row{e, judgement("probe", 0, 0), judgement("knn", 0, 0)}
	for subset := range p.Subsets {
		rows = append(rows, judgement("probe", p.Labels, subset))
	}
	if _, ok := methodOf(e.Encoder); !ok {
		return rows // fine-tuned random weights are supervised training
	}
	for subset := range p.Subsets {
		rows = append(rows, judgement("finetune", p.Labels, subset))
	}
	return rows
}

func (p Plan) supervised(seed uint64) []Row {
	rows := []Row{{Name: fmt.Sprintf("supervised-%d", seed), Encoder: "supervised", Seed: seed}}
	for subset := range p.Subsets {
		rows = append(rows, Row{Name: fmt.Sprintf("supervised-%d-%d-labels-%d", seed, p.Labels, subset), Encoder: "supervised", Seed: seed, Labels: p.Labels, Subset: subset})
	}
	return rows
}

// cost is a row's work in images that pass the encoder forward and backward;
// other work is counted as so many images as it takes the time of.
func (r Row) cost(images int) float64 {
	const few, probe = 19200, 25000
	n := float64(images)
	m, isMethod := methodOf(r.Encoder)
	switch {
	case r.Encoder == "supervised" && r.Labels == 0:
		return 3 * n
	case r.Encoder == "supervised":
		return few
	case r.Judge == "" && isMethod:
		return n * float64(r.Epochs*m.views)
	case r.Judge == "":
		return 5000
	case r.Judge == "finetune":
		return few
	case r.Judge == "probe" && r.Labels == 0:
		return n + probe*4
	}
	return probe / 2
}
