package pipeline

import (
	"fmt"
	"math"
)

// A Pair counts on how many test images two runs are right. Two accuracies on
// the same 10,000 images of 85 % differ by chance by half a point when taken
// apart; taken together, only the images on which one is right and the other
// wrong count.
type Pair struct {
	Both, First, Second, Neither int // images on which both, only one, or none is right
}

// Paired compares the predictions of two runs that judged the same test images.
// It returns an error if they did not.
func Paired(first, second *Run) (Pair, error) {
	a, truth, err := first.predictions()
	if err != nil {
		return Pair{}, err
	}
	b, other, err := second.predictions()
	if err != nil {
		return Pair{}, err
	}
	if truth.digest != other.digest {
		return Pair{}, fmt.Errorf("pipeline: runs %s and %s judged different test images", first.name, second.name)
	}
	var p Pair
	for i, label := range truth.labels {
		switch right, also := a[i] == label, b[i] == label; {
		case right && also:
			p.Both++
		case right:
			p.First++
		case also:
			p.Second++
		default:
			p.Neither++
		}
	}
	return p, nil
}

// N is the number of images.
func (p Pair) N() int { return p.Both + p.First + p.Second + p.Neither }

// Difference is the second's accuracy less the first's.
func (p Pair) Difference() float64 { return float64(p.Second-p.First) / float64(p.N()) }

// Error is the standard error of the difference over images. It knows nothing
// of what another seed would change.
func (p Pair) Error() float64 {
	n, d := float64(p.N()), p.Difference()
	return math.Sqrt((float64(p.First+p.Second)/n - d*d) / n)
}

// P is the probability of so large a difference if the two were equally good:
// McNemar's test, exact and two-sided.
func (p Pair) P() float64 {
	n, k := p.First+p.Second, min(p.First, p.Second)
	logChoose := func(i int) float64 {
		a, _ := math.Lgamma(float64(n + 1))
		b, _ := math.Lgamma(float64(i + 1))
		c, _ := math.Lgamma(float64(n - i + 1))
		return a - b - c
	}
	sum := 0.0
	for i := 0; i <= k; i++ {
		sum += math.Exp(logChoose(i) - float64(n)*math.Ln2)
	}
	return min(1, 2*sum)
}

// String shows the difference with its standard error and P.
func (p Pair) String() string {
	return fmt.Sprintf("%+.2f ± %.2f points on %d images, p = %.2g", 100*p.Difference(), 100*p.Error(), p.N(), p.P())
}
