package results

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"sslnotes/sslkit/data"
	"sslnotes/sslkit/pipeline"
	"sslnotes/tracker"
)

// executor makes what a plan lacks.
type executor struct {
	plan    Plan
	dir     string
	session *pipeline.Session
	out     io.Writer

	train, test *data.Set
	other       [2]*data.Set // training and test images of the set to transfer to, once opened
	style, gray [2]*data.Set // those of the other style of emoji, and of gray ones
	unlabelled  *data.Unlabelled
	images      int // of unlabelled

	encoder *pipeline.Run // of the rows that are being made
	name    string        // its row
	cpu     time.Duration // the process's when the row in hand began, without what made its encoder again

	left          float64 // images to go
	done, seconds float64 // images in this execution, and the time they took
}

// nominal is the assumed rate, in images a second, until it has been measured.
const nominal = 2500

// Execute makes the rows that are not in dir yet, records them in the session's
// store, and calls after with every finished row. If the session's context ends
// it returns that error; what is finished stays, and Execute goes on from there
// when called again. Several processes may make the rows of one folder, best in one
// store: each takes encoders and supervised trainings that no other has.
func (p Plan) Execute(s *pipeline.Session, dir string, out io.Writer, after func() error) error {
	x := &executor{plan: p.resolve(), dir: dir, session: s, out: out}
	if err := x.open(); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("results: %w", err)
	}
	rows := x.plan.Rows()
	missing, err := x.announce(rows)
	if err != nil {
		return err
	}
	claimed, err := openClaims(dir)
	if err != nil {
		return err
	}
	defer claimed.close()
	made := len(rows) - len(missing)
	for _, trains := range []bool{false, true} { // an encoder again, if its weights are gone: that can wait
		for i, row := range missing {
			if row.Name == "" {
				continue
			}
			if mine, err := claimed.take(row.group()); err != nil {
				return err
			} else if !mine { // another process is making it
				continue
			} else if _, ok, err := read(dir, row); err != nil {
				return err
			} else if ok { // another process made it meanwhile
				x.left -= row.cost(x.images)
			} else if again, err := x.again(row); errors.Is(err, errNoEncoder) { // who was to make it did not
				continue
			} else if err != nil {
				return err
			} else if again && !trains {
				continue
			} else if err := x.make(row, made+1, len(rows)); err != nil {
				return err
			} else if err := after(); err != nil {
				return err
			}
			missing[i], made = Row{}, made+1
		}
	}
	if made < len(rows) {
		fmt.Fprintf(x.out, "%d rows are left to other processes, or to the next call\n", len(rows)-made)
	}
	return nil
}

func (x *executor) open() (err error) {
	if x.train, x.test, err = data.Open(x.plan.Data); err != nil {
		return err
	}
	rest, _, err := x.train.Holdout()
	if err != nil {
		return err
	}
	x.unlabelled, x.images = rest.Unlabelled(), rest.Len()
	return nil
}

// announce prints the plan and returns what is missing.
func (x *executor) announce(rows []Row) (missing []Row, err error) {
	for _, row := range rows {
		_, ok, err := read(x.dir, row)
		if err != nil {
			return nil, err
		}
		if !ok {
			missing = append(missing, row)
			x.left += row.cost(x.images)
		}
	}
	fmt.Fprintf(x.out, "%d rows, %d finished; the rest should take %s on two idle threads\n", len(rows), len(rows)-len(missing), span(x.left/nominal))
	for _, row := range missing {
		fmt.Fprintf(x.out, "  %-32s %s\n", row.Name, span(row.cost(x.images)/nominal))
	}
	return missing, nil
}

// span is a time in words.
func span(seconds float64) string {
	if seconds < 90 {
		return fmt.Sprintf("%.0f s", seconds)
	}
	return fmt.Sprintf("%.0f min", seconds/60)
}

// make makes one row.
func (x *executor) make(row Row, at, of int) error {
	start := time.Now()
	x.cpu = cpuTime()
	r, err := x.run(row)
	if err != nil {
		return fmt.Errorf("row %s: %w", row.Name, err)
	}
	rec, err := r.Record()
	if err != nil {
		return err
	}
	result := resultOf(row, rec)
	result.CPU = (cpuTime() - x.cpu).Round(10 * time.Millisecond).Seconds()
	if err := write(x.dir, result); err != nil {
		return err
	}
	x.left -= row.cost(x.images)
	x.done += row.cost(x.images)
	x.seconds += time.Since(start).Seconds()
	fmt.Fprintf(x.out, "%s [%d/%d] %s: %s, %s; about %s left\n", time.Now().Format(time.TimeOnly), at, of, row.Name, outcome(rec), span(time.Since(start).Seconds()), span(x.left/x.rate()))
	return nil
}

// rate is in images a second; what is assumed counts for the first minute.
func (x *executor) rate() float64 { return (x.done + 60*nominal) / (x.seconds + 60) }

// outcome says the result of a run in words.
func outcome(r tracker.Run) string {
	for _, key := range []string{"test_accuracy", "loss"} {
		if m, ok := r.Metrics[key]; ok {
			return fmt.Sprintf("%s %.4f", key, m.Value)
		}
	}
	return string(r.Status)
}

// run executes a row.
func (x *executor) run(row Row) (*pipeline.Run, error) {
	train, test, err := x.train, x.test, error(nil)
	switch {
	case x.plan.Style != "":
		train, test, err = x.emojiSets(row)
	case row.Labels != 0:
		train, err = train.PerClass(row.Labels, row.Subset)
	}
	if err != nil {
		return nil, err
	}
	tuning := x.plan.tuning(row.Encoder, train.Len())
	tuning.Seed = row.Seed
	switch {
	case strings.HasPrefix(row.Encoder, supervised):
		return x.session.Supervised(x.plan.architecture(row.Encoder), train, test, tuning)
	case row.Judge == "":
		return x.encode(row)
	}
	e, err := x.parent(row)
	if err != nil {
		return nil, err
	}
	switch row.Judge {
	case "probe", onStyle:
		return pipeline.LinearProbe(e, train, test)
	case "knn", onStyleKNN:
		return pipeline.KNN(e, train, test)
	case inGray:
		return probeInGray(e, train, test)
	case "transfer":
		return x.transfer(e)
	}
	return tuning.Judge(e, train, test)
}

// transfer probes features on the other set.
func (x *executor) transfer(e *pipeline.Run) (r *pipeline.Run, err error) {
	if x.other[0] == nil {
		if x.other[0], x.other[1], err = data.Open(x.plan.Transfer); err != nil {
			return nil, err
		}
	}
	return pipeline.LinearProbe(e, x.other[0], x.other[1])
}
