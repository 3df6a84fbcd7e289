package results

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"sslnotes/sslkit/data"
	"sslnotes/sslkit/pipeline"
)

// EmojiDir is the folder of the rows of Emoji, in that of all rows.
const EmojiDir = "emoji"

// Emoji is the plan of the table on emoji, where methods that need colour are
// judged: by the group of a picture's concept, of concepts that training did not show,
// in colour and in gray, and of those that it did, in a style that it did not.
func Emoji() Plan {
	return Plan{Data: "emoji-google-fluent-flat-blobs-firefox", Style: "twitter"}
}

// Judgements on the unseen style, and of unseen concepts in gray.
const (
	onStyle    = "style"
	onStyleKNN = "style-knn"
	inGray     = "gray"
)

// emoji lists the rows of a plan with a Style.
func (p Plan) emoji() (rows []Row) {
	judged := func(e Row, judges ...string) {
		rows = append(rows, e)
		for _, judge := range judges {
			rows = append(rows, p.judgement(e, judge, 0, 0))
		}
	}
	judged(Row{Name: pixels, Encoder: pixels}, "probe", "knn", onStyle, onStyleKNN, inGray)
	for seed := uint64(1); seed <= uint64(p.Seeds); seed++ {
		for _, e := range p.encoders(seed) {
			judged(e, "probe", "knn", onStyle, onStyleKNN, inGray)
		}
		judged(Row{Name: fmt.Sprintf("%s-%d", supervised, seed), Encoder: supervised, Seed: seed}, onStyle, inGray)
	}
	return rows
}

// emojiSets are what a row of a plan with a Style learns from and is asked about.
func (x *executor) emojiSets(row Row) (train, test *data.Set, err error) {
	opened, name := &x.style, x.plan.Data+"/on-"+x.plan.Style
	switch row.Judge {
	case inGray:
		opened, name = &x.gray, x.plan.Data+"/gray"
	case onStyle, onStyleKNN:
	default:
		return x.train, x.test, nil
	}
	if opened[0] == nil {
		opened[0], opened[1], err = data.Open(name)
	}
	return opened[0], opened[1], err
}

// probeInGray probes features of gray pictures, standardised by those of gray ones.
func probeInGray(e *pipeline.Run, train, test *data.Set) (*pipeline.Run, error) {
	m, err := pipeline.Transfer([]*pipeline.Run{e}, []pipeline.Target{{Train: train, Test: test}})
	if err != nil {
		return nil, err
	}
	return m.Runs[0][0], nil
}

// emojiColumns are those of the table on emoji.
func emojiColumns() []column {
	return []column{
		{"linear probe, unseen concepts", "probe", 0},
		{"nearest neighbours, unseen concepts", "knn", 0},
		{"linear probe, unseen style", onStyle, 0},
		{"nearest neighbours, unseen style", onStyleKNN, 0},
		{"linear probe, unseen concepts in gray", inGray, 0},
	}
}

// emojiPairs are the differences of the table on emoji.
func (a accuracies) emojiPairs() (all []pair) {
	for _, m := range a.plan.methods() {
		all = append(all,
			pair{m.title + "'s probe − raw pixels' neighbours, unseen concepts", a.bySeed(m.name, "probe", 0, pixels, "knn")},
			pair{m.title + "'s probe − raw pixels' neighbours, unseen style", a.bySeed(m.name, onStyle, 0, pixels, onStyleKNN)},
			pair{m.title + "'s neighbours − raw pixels', unseen concepts", a.bySeed(m.name, "knn", 0, pixels, "knn")},
			pair{m.title + "'s neighbours − raw pixels', unseen style", a.bySeed(m.name, onStyleKNN, 0, pixels, onStyleKNN)},
			pair{m.title + "'s probe − that of random weights, unseen style", a.bySeed(m.name, onStyle, 0, random, onStyle)},
			pair{m.title + "'s probe − that of random weights, unseen concepts in gray", a.bySeed(m.name, inGray, 0, random, inGray)})
	}
	return all
}

// emojiSection writes what the rows in dir say, nothing if there are none.
func (p Plan) emojiSection(dir string) (string, error) {
	dir = filepath.Join(dir, EmojiDir)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	a, err := p.accuracies(dir)
	if err != nil {
		return "", err
	}
	e, err := data.LoadEmoji()
	if err != nil {
		return "", err
	}
	pictures := map[string]int{} // that are asked about, by judgement
	for _, r := range a.all {
		for _, d := range r.Data {
			if d.Role == "test" {
				pictures[r.Row.Judge] = d.Count
			}
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n## Emoji\n\nOf which of %d groups is the picture? Trained on %s, and asked about %d pictures of concepts that training did not show, in its styles, and %d of those that it did, in a style that it did not, %s. In gray, the probe learns from gray pictures, too, as colorization does. CLIP reads the captions of the pictures it trains on, which are of other concepts than those that were not shown. Accuracy in percent, mean ± standard deviation over seeds; above random weights, the probe of unseen concepts in colour, ± the standard error over seeds. %d of %d rows finished. Numerics %s. By `sslnotes results --emoji`.\n\n",
		len(e.Groups()), a.plan.Data, pictures["knn"], pictures[onStyleKNN], a.plan.Style, len(a.all), len(a.plan.Rows()), pipeline.Numerics)
	b.WriteString(a.table(emojiColumns()) + "\n" + a.costs() + differences(a.emojiPairs()))
	return b.String(), nil
}
