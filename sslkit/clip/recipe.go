package clip

import (
	"sslnotes/sslkit"
	"sslnotes/sslkit/augment"
	"sslnotes/sslkit/data"
	"sslnotes/sslkit/nn"
)

// RecipeData names the pictures that Recipe is for: all styles of emoji but one.
const RecipeData = "emoji-google-fluent-flat-blobs-firefox"

// Recipe returns a network, a method and a schedule for captioned emoji, put
// together from what short trainings favoured, on concepts that were held out of
// RecipeData and one of its styles that was.
func Recipe() (nn.Plan, *CLIP, sslkit.Schedule) {
	m := &CLIP{
		Text:       nn.Transformer{Width: 96, Depth: 1, Bidirectional: true},
		Vocabulary: 3072, Phrases: 0.75, MultiPositive: true, Map: true, Groups: 4,
		Augment: augment.Chain{
			augment.Crop{MinArea: 0.6, MaxArea: 1.2},
			augment.Jitter{Brightness: 0.2, Contrast: 0.2, Saturation: 0.3, Hue: 0.03},
			augment.Grayscale{P: 0.1},
		},
	}
	return nn.ConvNet{}, m, sslkit.Schedule{Steps: 3000, BatchSize: 256, LearningRate: 4e-3, Monitor: -1}
}

// LongRecipe is Recipe for twice as many steps, which bear stronger augmentations.
func LongRecipe() (nn.Plan, *CLIP, sslkit.Schedule) {
	plan, m, s := Recipe()
	m.Augment = augment.Chain{
		augment.Crop{MinArea: 0.4, MaxArea: 1.3},
		augment.Jitter{Brightness: 0.3, Contrast: 0.3, Saturation: 0.5, Hue: 0.06},
		augment.Grayscale{P: 0.15},
	}
	s.Steps *= 2
	return plan, m, s
}

// RecipeEnsemble asks what either trained on a set, in ways that the same pictures
// favoured.
func RecipeEnsemble(training *data.Set) Ensemble {
	return Ensemble{Views: 16, Texts: 16, Bank: training}
}
