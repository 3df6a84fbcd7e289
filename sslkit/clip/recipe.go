package clip

import (
	"sslnotes/sslkit"
	"sslnotes/sslkit/augment"
	"sslnotes/sslkit/nn"
)

// RecipeData names the pictures that Recipe is for: all styles of emoji but one.
const RecipeData = "emoji-google-fluent-flat-blobs-firefox"

// Recipe returns what was chosen for captioned emoji, on concepts of training's
// that were held out and a style that was: the network, the method and the
// schedule. It takes about a quarter of an hour of one core.
func Recipe() (nn.Plan, *CLIP, sslkit.Schedule) {
	m := &CLIP{
		Text:       nn.Transformer{Width: 96, Depth: 1, Bidirectional: true},
		Vocabulary: 3072, Phrases: 0.75, MultiPositive: true, Groups: 4,
		Augment: augment.Chain{
			augment.Crop{MinArea: 0.6, MaxArea: 1.2},
			augment.Jitter{Brightness: 0.2, Contrast: 0.2, Saturation: 0.3, Hue: 0.03},
			augment.Grayscale{P: 0.1},
		},
	}
	return nn.ResNet{}, m, sslkit.Schedule{Steps: 1500, BatchSize: 256, LearningRate: 4e-3, Monitor: -1}
}
