// Package sslkit is the spine of a course in self-supervised learning: what a
// method is, what it sees of the data, and how its training is scheduled. The
// methods themselves stand in one folder per section of the course:
//
//   - pretext: tasks made up from the data itself (rotation, jigsaw, context,
//     inpainting, colorization)
//   - contrastive: two views of one image agree (SimCLR, MoCo, BYOL, SwAV, DINO)
//   - clip: images and what is said of them (CLIP, zero-shot classification)
//   - mae: paint what was hidden
//   - pipeline: the training loop
//   - museum: faults of losses, and which of them a loss has
//
// # Design
//
// A [Method] is what a paper adds on top of an encoder: its heads and its loss
// on a batch. Everything else (order of the samples, optimizer, schedule,
// records, checkpoints) belongs to the pipeline and is the same for all. A
// method that needs more says so by a second, optional interface: [Viewer] for
// augmented views, [AfterStepper] for what moves after the optimizer.
//
// A batch carries no evaluation labels, so a method cannot cheat.
package sslkit
