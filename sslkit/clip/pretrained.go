package clip

import (
	"bytes"
	_ "embed"
)

// weights holds what WriteWeights wrote of the run of the first seed in
// sslkit/results/clip.
//
//go:embed pretrained.safetensors
var weights []byte

// Pretrained returns the model that LongRecipe gives at the first seed, trained on
// RecipeData. Every call loads it anew. Its weights are a part of the program;
// "sslnotes retrieve --make" trains it again.
func Pretrained() (*CLIP, error) { return readWeights(bytes.NewReader(weights), LongRecipe) }
