// Package pipeline trains and judges: pre-train an encoder without labels, then
// measure its features by a linear probe, by nearest neighbours and by
// fine-tuning, always beside raw pixels, random weights and supervised
// training.
//
// # Design
//
// Every function returns a [Run], and every run is recorded as it happens:
// resolved options, seeds, digests of the data, each step's metrics, and the
// weights. There is nothing to initialise and nothing to finish; an error, a
// panic or an interrupt closes the run with that status. A probe takes the run
// it judges, so lineage costs nothing.
//
// A run is a pure function of its record: the order of samples, the views and
// the weights come from streams keyed by the seed; time enters observed values
// only. [Session.Reproduce] executes a record again and compares every bit;
// [Resume] goes on after an interrupt or a kill and ends with the same bits as if
// nothing had happened.
//
// While it trains, a run records what tells early whether its features are any
// good, from [FeatureStd] to [MonitorKNN], and names a collapse when it sees one.
//
// Every row of a comparison is treated alike: features are standardised by the
// run's unlabelled images, never by the few that have labels, and the same
// subsets of labels serve every method. [Compare] shows means over seeds, and
// [Paired] whether two runs differ on the same test images by more than chance.
//
// Choices, such as the strength of a probe's penalty, are made on held-out
// training samples. The test set is read once, after the last choice: what fits
// and chooses has no way to it, and its labels are compared with answers that
// have been given. What could not tell is refused before it is recorded: to learn
// from test images, even without labels, to be asked about images to learn from,
// and to tell a single class apart.
package pipeline
