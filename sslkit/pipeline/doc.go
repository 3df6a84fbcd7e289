// Package pipeline trains encoders without labels and judges their features.
//
// # Design
//
// [Train] is the one training loop: the order of the samples, their views and
// the method's own draws come from streams keyed by the seed, so a training is
// a pure function of its arguments. Batches are drawn ahead of the step on
// another thread. Nothing but the step's end changes the model: a training
// that is interrupted leaves the weights of its last whole step.
package pipeline
