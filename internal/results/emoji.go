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
	return Plan{Data: "emoji-google-fluent-flat-blobs-firefox", Style: "emoji-twitter"}
}

// Judgements on the unseen style, and of unseen concepts in gray.
const (
	onStyle    = "style"
	onStyleKNN = "style-knn"
	inGray     = "gray"
	inGrayKNN  = "gray-knn"
)

// emoji lists the rows of a plan with a Style.
func (p Plan) emoji() (rows []Row) {
	judged := func(e Row, judges ...string) {
		rows = append(rows, e)
		for _, judge := range judges {
			rows = append(rows, p.judgement(e, judge, 0, 0))
		}
	}
	judged(Row{Name: pixels, Encoder: pixels}, "knn", onStyleKNN, inGrayKNN) // probes of 3,072 pixels take hours
	for seed := uint64(1); seed <= uint64(p.Seeds); seed++ {
		for _, e := range p.encoders(seed) {
			judged(e, "probe", "knn", onStyle, onStyleKNN, inGray, inGrayKNN)
		}
		judged(Row{Name: fmt.Sprintf("%s-%d", supervised, seed), Encoder: supervised, Seed: seed}, onStyle, inGray)
	}
	return rows
}

// onEmoji makes a row on the other style or in gray; e is nil where there is to be an
// encoder trained from scratch.
func (x *executor) onEmoji(row Row, e *pipeline.Run, tuning pipeline.Tuning) (*pipeline.Run, error) {
	train, test := x.train, x.test
	name, opened := x.plan.Style, &x.style
	gray := row.Judge == inGray || row.Judge == inGrayKNN
	if gray {
		name, opened = x.plan.Data+"/gray", &x.gray
	}
	if opened[0] == nil {
		var err error
		if opened[0], opened[1], err = data.Open(name); err != nil {
			return nil, err
		}
	}
	if test = opened[0]; gray {
		train, test = opened[0], opened[1]
	}
	switch row.Judge {
	case onStyleKNN, inGrayKNN:
		return pipeline.KNN(e, train, test)
	}
	if e == nil {
		return x.session.Supervised(x.plan.architecture(row.Encoder), train, test, tuning)
	}
	return pipeline.LinearProbe(e, train, test)
}

// emojiColumns are those of the table on emoji.
func emojiColumns() []column {
	return []column{
		{"linear probe, unseen concepts", "probe", 0},
		{"nearest neighbours, unseen concepts", "knn", 0},
		{"linear probe, unseen style", onStyle, 0},
		{"nearest neighbours, unseen style", onStyleKNN, 0},
		{"linear probe, unseen concepts in gray", inGray, 0},
		{"nearest neighbours, unseen concepts in gray", inGrayKNN, 0},
	}
}

// emojiPairs are the differences of the table on emoji.
func (a accuracies) emojiPairs() (all []pair) {
	for _, m := range a.plan.methods() {
		all = append(all,
			pair{m.title + "'s probe − raw pixels' neighbours, unseen concepts", a.bySeed(m.name, "probe", 0, pixels, "knn")},
			pair{m.title + "'s probe − raw pixels' neighbours, unseen style", a.bySeed(m.name, onStyle, 0, pixels, onStyleKNN)},
			pair{m.title + "'s probe − that of random weights, unseen style", a.bySeed(m.name, onStyle, 0, random, onStyle)},
			pair{m.title + "'s probe − that of random weights, unseen concepts in gray", a.bySeed(m.name, inGray, 0, random, inGray)})
	}
	return all
}

// emojiSection writes what the rows in dir say, nothing if there are none.
func emojiSection(dir string) (string, error) {
	dir = filepath.Join(dir, EmojiDir)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	a, err := Emoji().accuracies(dir)
	if err != nil {
		return "", err
	}
	e, err := data.LoadEmoji()
	if err != nil {
		return "", err
	}
	asked := map[string]int{} // pictures, by judgement
	for _, r := range a.all {
		for _, d := range r.Data {
			if d.Role == "test" {
				asked[r.Row.Judge] = d.Count
			}
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n## Emoji\n\nOf which of %d groups is the picture? Asked after training on %s: about %d pictures of concepts that training did not show, in its styles; and about %d in a style that it did not show, %s, of concepts that it did but for a few. In gray, probes learn from gray pictures, too; colorization trains on them alone. Accuracy in percent, mean ± standard deviation over seeds, %d of %d rows finished. By `sslnotes results --emoji`.\n\n",
		len(e.Groups()), a.plan.Data, asked["knn"], asked[onStyleKNN], a.plan.Style, len(a.all), len(a.plan.Rows()))
	b.WriteString(a.table(emojiColumns()) + "\n" + a.costs() + differences(a.emojiPairs()))
	return b.String(), nil
}
