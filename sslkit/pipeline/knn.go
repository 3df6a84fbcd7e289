package pipeline

import (
	"context"
	"fmt"
	"sort"

	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/tensor"
)

// Neighbours classifies by the k nearest neighbours in cosine similarity s, each
// voting with weight exp(s/0.07) (Wu, Xiong, Yu and Lin 2018).
type Neighbours struct {
	K       int  // neighbours. If 0, 20.
	Teacher bool `config:"omitzero"` // judge the run's teacher (see Run.Teacher), not its encoder
	Block   int  `config:"omitzero"` // judge the features after this block, from 1 (see nn.Blocked). If 0, the encoder's, which are the last's.
}

// KNN judges a run's features by the 20 nearest neighbours among all of train,
// scored once on test.
func KNN(r *Run, train, test *data.Set) (*Run, error) { return Neighbours{}.Judge(r, train, test) }

// Judge is KNN with these options.
func (k Neighbours) Judge(r *Run, train, test *data.Set) (*Run, error) {
	if k.K == 0 {
		k.K = 20
	}
	if train != nil {
		if err := k.check(train.Len()); err != nil {
			return nil, err
		}
	}
	if err := r.hasBlock("Neighbours", k.Block); err != nil {
		return nil, err
	}
	return r.judge(&k, train, test)
}

func (k Neighbours) check(n int) error {
	if k.K < 0 || k.K > n {
		return fmt.Errorf("pipeline: Neighbours.K is %d, want 1 to %d", k.K, n)
	}
	return nil
}

func (k *Neighbours) ofTeacher() *bool     { return &k.Teacher }
func (k *Neighbours) kind() string         { return "knn" }
func (k *Neighbours) method(r *Run) string { return r.method }
func (k *Neighbours) seed(r *Run) uint64   { return r.seed }
func (k *Neighbours) steps() int           { return 1 }

func (k *Neighbours) do(x *execution) error {
	memory, err := x.parent.featuresOf(x.ctx, x.sets.train, k.Block)
	if err != nil {
		return err
	}
	query, err := x.parent.featuresOf(x.ctx, x.exam.images(), k.Block)
	if err != nil {
		return err
	}
	predicted, err := k.classify(x.ctx, memory, query, x.sets.train.Labels(), len(x.sets.train.Classes()))
	if err != nil {
		return err
	}
	x.bar.Update(1, "")
	return x.answer(0, predicted, map[string]float64{})
}

// Accuracy returns the share of query samples whose neighbours among the memory
// samples vote for their class. Equal votes go to the lower class, equal
// similarities to the earlier sample. A nil encoder compares pixels.
func (k Neighbours) Accuracy(e nn.Encoder, memory, query *data.Set) (float64, error) {
	if k.K == 0 {
		k.K = 20
	}
	if err := k.check(memory.Len()); err != nil {
		return 0, err
	}
	predicted, err := k.classify(context.Background(), Features(e, memory), Features(e, query), memory.Labels(), len(memory.Classes()))
	if err != nil {
		return 0, err
	}
	return share(predicted, query.Labels()), nil
}

// classify returns the class of each row of query [M,D] by its neighbours among
// the rows of memory [N,D].
func (k Neighbours) classify(ctx context.Context, memory, query *tensor.Tensor, labels []int, classes int) ([]int, error) {
	return k.among(ctx, memory, query, labels, classes, false)
}

// among is classify; with others, query is memory and no row its own neighbour.
func (k Neighbours) among(ctx context.Context, memory, query *tensor.Tensor, labels []int, classes int, others bool) ([]int, error) {
	m := transposed(tensor.L2Normalize(memory, 1e-12))
	q := tensor.L2Normalize(query, 1e-12)
	const block = 200
	predicted := make([]int, 0, query.Dim(0))
	for from := 0; from < query.Dim(0); from += block {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		index := span(from, min(from+block, query.Dim(0)))
		similar := tensor.Linear(tensor.Rows(q, index), m, nil).Data()
		for i, sample := range index {
			if others {
				similar[i*len(labels)+sample] = -2 // less than any cosine
			}
			predicted = append(predicted, k.vote(similar[i*len(labels):(i+1)*len(labels)], labels, classes))
		}
	}
	return predicted, nil
}

// transposed returns x [N,D] as [D,N], so that the products of a block of rows
// with all of x read it in order.
func transposed(x *tensor.Tensor) *tensor.Tensor {
	n, d := x.Dim(0), x.Dim(1)
	out := tensor.New(d, n)
	const tile = 16
	for i0 := 0; i0 < n; i0 += tile {
		for j := range d {
			for i := i0; i < min(i0+tile, n); i++ {
				out.Data()[j*n+i] = x.Data()[i*d+j]
			}
		}
	}
	return out
}

// vote returns the class of the nearest neighbours.
func (k Neighbours) vote(similar []float32, labels []int, classes int) int {
	nearest := make([]int, 0, k.K+1)
	for i, s := range similar {
		if len(nearest) == k.K && s <= similar[nearest[k.K-1]] {
			continue
		}
		at := sort.Search(len(nearest), func(j int) bool { return similar[nearest[j]] < s })
		nearest = append(nearest, 0)
		copy(nearest[at+1:], nearest[at:])
		nearest[at] = i
		nearest = nearest[:min(len(nearest), k.K)]
	}
	votes := make([]float64, classes)
	best := 0
	for _, i := range nearest {
		votes[labels[i]] += tensor.Exp64(float64(similar[i]) / 0.07)
	}
	for c, v := range votes {
		if v > votes[best] {
			best = c
		}
	}
	return best
}
