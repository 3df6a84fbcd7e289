// Package plots draws what an experiment leaves: curves of runs, grids of
// images, bars of results.
//
//	plots.Loss(rotation, simclr)
//	plots.Metric("knn_accuracy", rotation, simclr)
//	plots.Rotations(train.Image(0), train.Image(1))
//	plots.Bars(plots.Bar{Name: "SimCLR", Values: accuracies})
//
// # Design
//
// A figure is a value: a struct whose fields are the data and the options, all
// of them optional. Functions such as [Loss] fill in the struct for the common
// case, and a field set afterwards changes it:
//
//	f := plots.Loss(rotation)
//	f.LogY = true
//	f
//
// Every [Figure] has the methods that notebooks look for, SVG and PNG, so it is
// shown by being a cell's last value, and it can be saved as a file.
//
// The package knows neither runs nor data sets. It takes what has a name and
// curves, [Run]; what the standard library calls an image; and arrays that tell
// their shape, [Array]. So whatever trains or stores can be drawn, and drawing
// can be used without either.
//
// Drawing does not fail in a reader's face. What is empty says so in the place
// of the picture, what does not fit together says what was wrong, and an
// experiment that diverged shows a gap. Only Save, which leaves a file behind
// that no one may look at, returns these errors instead.
//
// Equal data give equal files, byte for byte. No figure depends on the clock,
// on the order of a map or on fonts of the machine: text is measured and, in
// PNG, drawn with the embedded Liberation Sans. All positions are rounded to
// 1/64 of a point before they are drawn, so that processors which round the
// last bit of arithmetic differently still draw the same.
//
// The colours are those of Okabe and Ito, told apart by readers with any colour
// vision, and dashes tell apart what would share a colour. The background is
// white, on dark pages too. Curves are thinned to the resolution of the
// drawing, peaks kept, so that a file is small however long the training was.
// Images are enlarged with hard edges: readers see the pixels that the network
// saw.
package plots
