package pipeline

import (
	"slices"

	"sslnotes/sslkit/data"
	"sslnotes/sslkit/rng"
)

// folds returns the samples to hold out in turn, each class in equal shares.
func folds(s *data.Set) [][]int {
	classes := make([][]int, len(s.Classes()))
	for _, i := range rng.New(0, "folds").Perm(s.Len()) {
		classes[s.Labels()[i]] = append(classes[s.Labels()[i]], i)
	}
	fewest := s.Len()
	for _, c := range classes {
		fewest = min(fewest, len(c))
	}
	k, used := 5, 5
	switch {
	case fewest < 2:
		return nil
	case fewest >= 1000:
		k, used = 12, 1
	case fewest < 5:
		k, used = fewest, fewest
	}
	parts := make([][]int, used)
	for _, c := range classes {
		for i, sample := range c {
			if i%k < used {
				parts[i%k] = append(parts[i%k], sample)
			}
		}
	}
	for _, p := range parts {
		slices.Sort(p)
	}
	return parts
}

// without lists 0 to n-1 but for the sorted held ones.
func without(n int, held []int) []int {
	rest := make([]int, 0, n-len(held))
	for i := range n {
		if len(held) > 0 && held[0] == i {
			held = held[1:]
			continue
		}
		rest = append(rest, i)
	}
	return rest
}

func pick(labels, index []int) []int {
	out := make([]int, len(index))
	for i, at := range index {
		out[i] = labels[at]
	}
	return out
}
