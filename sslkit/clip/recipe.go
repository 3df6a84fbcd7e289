package clip

import (
	"sslnotes/sslkit"
	"sslnotes/sslkit/augment"
	"sslnotes/sslkit/nn"
)

// RecipeData names the pictures that Recipe is for: all styles of emoji but one.
const RecipeData = "emoji-google-fluent-flat-blobs-firefox"

// Recipe returns what was chosen for captioned emoji, by pictures of training's
// concepts in a style that was held out for it: the network, the method and the
// schedule.
func Recipe() (nn.Plan, *CLIP, sslkit.Schedule) {
	m := &CLIP{
		Text:       nn.Transformer{Width: 64, Depth: 1, Bidirectional: true},
		Vocabulary: 4096, MultiPositive: true,
		Augment: augment.Chain{
			augment.Crop{MinArea: 0.5, MaxArea: 1.3},
			augment.Jitter{Brightness: 0.3, Contrast: 0.3, Saturation: 0.3, Hue: 0.05},
			augment.Grayscale{P: 0.1},
		},
	}
	return nn.ConvNet{Channels: []int{32, 64, 128}}, m, sslkit.Schedule{Steps: 2000, BatchSize: 256, LearningRate: 2e-3}
}
