package pipeline

import (
	"fmt"
	"sort"

	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
	"sslnotes/sslkit/tensor"
)

// Features returns the encoder's features of every sample [N,Dim], BatchNorm
// using its running statistics. A nil encoder gives the pixels themselves.
func Features(e nn.Encoder, set Source) *tensor.Tensor {
	const batch = 500
	var out *tensor.Tensor
	for from := 0; from < set.Len(); from += batch {
		index := make([]int, min(batch, set.Len()-from))
		for i := range index {
			index[i] = from + i
		}
		x := Images(set, index)
		if e != nil {
			x = e.Forward(x, false).Detach()
		} else {
			x = tensor.Reshape(x, len(index), x.Len()/len(index))
		}
		if out == nil {
			out = tensor.New(set.Len(), x.Dim(1))
		}
		copy(out.Data()[from*x.Dim(1):], x.Data())
	}
	return out
}

// Neighbours classifies by the k nearest neighbours in cosine similarity s, each
// voting with weight exp(s/0.07) (Wu, Xiong, Yu and Lin 2018).
type Neighbours struct {
	K int // neighbours. If 0, 20.
}

// Accuracy returns the share of query samples whose neighbours among the memory
// samples vote for their class. Equal votes go to the lower class, equal
// similarities to the earlier sample. A nil encoder compares pixels.
func (k Neighbours) Accuracy(e nn.Encoder, memory, query *data.Set) (float64, error) {
	if k.K == 0 {
		k.K = 20
	}
	if k.K < 0 || k.K > memory.Len() {
		return 0, fmt.Errorf("pipeline: Neighbours.K is %d, want 1 to %d", k.K, memory.Len())
	}
	m := tensor.L2Normalize(Features(e, memory), 1e-12)
	q := tensor.L2Normalize(Features(e, query), 1e-12)
	const block = 200
	right := 0
	for from := 0; from < query.Len(); from += block {
		index := make([]int, min(block, query.Len()-from))
		for i := range index {
			index[i] = from + i
		}
		similar := tensor.MatMulT(tensor.Rows(q, index), m)
		for i, sample := range index {
			row := similar.Data()[i*memory.Len() : (i+1)*memory.Len()]
			if k.vote(row, memory.Labels(), len(memory.Classes())) == query.Labels()[sample] {
				right++
			}
		}
	}
	return float64(right) / float64(query.Len()), nil
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
