package pipeline

import (
	"encoding/binary"
	"errors"
	"fmt"

	"sslnotes/sslkit/data"
	"sslnotes/tracker"
)

const mostClasses = 1 << 16 // that predictions tell apart

// predictionsFile names the checkpoint that holds the class of every test image:
// a byte each for up to 256 classes, beyond, in a file of another name, two, the
// low one first.
func predictionsFile(classes int) string {
	if classes <= 256 {
		return "predictions.bin"
	}
	return "predictions16.bin"
}

// An exam is a test set, of which a task sees the images; the labels are read
// when it has given its answers.
type exam struct{ set *data.Set }

// images are what is asked about.
func (e *exam) images() *data.Unlabelled { return e.set.Unlabelled() }

// answer ends a judgement: it records the share of the test images of which the
// class is predicted, beside other values, and the predictions, for paired tests.
func (x *execution) answer(step int, predicted []int, values map[string]float64) error {
	values["test_accuracy"] = share(predicted, x.exam.set.Labels())
	if err := x.Log(step, computed(values)...); err != nil {
		return err
	}
	classes := len(x.exam.set.Classes())
	return x.Checkpoint(step, predictionsFile(classes), encodePredictions(predicted, classes))
}

func encodePredictions(predicted []int, classes int) (b []byte) {
	for _, c := range predicted {
		if classes <= 256 {
			b = append(b, byte(c))
		} else {
			b = binary.LittleEndian.AppendUint16(b, uint16(c))
		}
	}
	return b
}

func decodePredictions(b []byte, classes int) (predicted []int, err error) {
	if classes > 256 && len(b)%2 != 0 {
		return nil, errors.New("half a prediction at the end")
	}
	for len(b) > 0 {
		if classes <= 256 {
			predicted, b = append(predicted, int(b[0])), b[1:]
		} else {
			predicted, b = append(predicted, int(binary.LittleEndian.Uint16(b))), b[2:]
		}
	}
	return predicted, nil
}

// truth is what a test set says.
type truth struct {
	digest string
	labels []int
}

// predictions returns the class that the run gave each test image, and what the
// classes are.
func (r *Run) predictions() ([]int, truth, error) {
	if r == nil {
		return nil, truth{}, fmt.Errorf("pipeline: there is no run to compare")
	}
	test := r.test
	if test == nil {
		rec, err := r.Record()
		if err != nil {
			return nil, truth{}, err
		}
		in, err := r.session.openSets(onlyTest(rec.Data))
		if err != nil {
			return nil, truth{}, err
		}
		if test = in.test; test == nil {
			return nil, truth{}, fmt.Errorf("pipeline: run %s judged no test images", r.name)
		}
		r.test = test
	}
	classes := len(test.Classes())
	b, err := lastCheckpoint(r.store, r.id, predictionsFile(classes))
	if err != nil {
		return nil, truth{}, fmt.Errorf("pipeline: run %s: %w", r.name, err)
	}
	all, err := decodePredictions(b, classes)
	if err != nil || len(all) != test.Len() {
		return nil, truth{}, fmt.Errorf("pipeline: run %s has %d bytes of predictions for %d images of %d classes", r.name, len(b), test.Len(), classes)
	}
	return all, truth{test.Digest(), test.Labels()}, nil
}

func onlyTest(refs []tracker.DataRef) (kept []tracker.DataRef) {
	for _, ref := range refs {
		if ref.Role == "test" {
			kept = append(kept, ref)
		}
	}
	return kept
}
