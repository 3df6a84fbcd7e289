package plots

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A Figure is a picture: all types of this package that have these methods, as
// values and as pointers.
type Figure interface {
	// SVG returns the picture as a document that can also stand inside HTML.
	SVG() string
	// PNG returns the picture with 144 pixels an inch.
	PNG() []byte
	// Save writes the picture as the file's extension says, .svg or .png. The
	// file appears whole or not at all. Where a picture would show an error
	// instead of data, Save returns that error and writes nothing.
	Save(path string) error
	// String says in a line what is drawn.
	String() string
}

// A figure is a Figure of this package. The method is not part of Figure, since
// interpreted cells could not tell that a type has it.
type figure interface{ drawing() (drawing, error) }

// A drawing is a figure that has been checked and measured.
type drawing struct {
	width, height vg.Length
	text          string // what it shows, in a line
	paint         func(c draw.Canvas)
}

// errNoValues marks a figure that is in order but empty.
var errNoValues = errors.New("no values")

// compose measures a figure. A panic on the way, such as of an image that is
// not ours, becomes an error.
func compose(f Figure) (d drawing, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("plots: %T: %v", f, r)
		}
	}()
	own, ok := f.(figure)
	if !ok {
		return d, fmt.Errorf("plots: a %T is not of this package", f)
	}
	return own.drawing()
}

// show is compose for those who must draw something: an error becomes the
// picture.
func show(f Figure) drawing {
	d, err := compose(f)
	if err != nil {
		return notice(err.Error())
	}
	return d
}

// notice draws a message in the place of data.
func notice(message string) drawing {
	lines := wrap(message, body, 400)
	return drawing{width: 440, height: vg.Length(60 + 12*len(lines)), text: message, paint: func(c draw.Canvas) {
		for i, line := range lines {
			y := c.Center().Y + vg.Length(float64(len(lines)-1)/2-float64(i))*12
			write(c, body.centred().middle().coloured(faded), c.Center().X, y, line)
		}
	}}
}

func svgOf(f Figure) string { return renderSVG(show(f)) }
func pngOf(f Figure) []byte { return renderPNG(show(f)) }

func stringOf(f Figure) string { return show(f).text }

// render paints a drawing and returns the widths of its texts.
func (d drawing) render(c vg.CanvasSizer) (widths []vg.Length, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("plots: %v", r)
		}
	}()
	w, h := c.Size()
	s := &snapped{Canvas: c}
	all := draw.NewCanvas(s, w, h)
	all.SetColor(white)
	all.Fill(all.Rectangle.Path())
	d.paint(draw.Crop(all, margin, -margin, margin, -margin))
	return s.widths, nil
}

func renderSVG(d drawing) string {
	c := vgsvg.New(d.width, d.height)
	widths, err := d.render(c)
	if err != nil {
		return renderSVG(notice(err.Error()))
	}
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		return renderSVG(notice(err.Error()))
	}
	return tidySVG(b.String(), d, widths)
}

func renderPNG(d drawing) []byte {
	c := pixelCanvas{vgimg.NewWith(vgimg.UseWH(d.width, d.height), vgimg.UseDPI(dpi))}
	if _, err := d.render(c); err != nil {
		return renderPNG(notice(err.Error()))
	}
	return encodePNG(c.Image())
}

func saveOf(f Figure, path string) error {
	d, err := compose(f)
	if errors.Is(err, errNoValues) {
		d, err = notice(err.Error()), nil
	}
	if err != nil {
		return err
	}
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".svg":
		return writeFile(path, []byte(renderSVG(d)))
	case ".png":
		return writeFile(path, renderPNG(d))
	default:
		return fmt.Errorf("plots: cannot save %s: its extension is %q, want .svg or .png", path, ext)
	}
}

// writeFile puts the file in place by renaming, so that a reader never sees a
// part of it.
func writeFile(path string, b []byte) error {
	if to, err := filepath.EvalSymlinks(path); err == nil {
		path = to
	}
	part := fmt.Sprintf("%s.%d.part", path, os.Getpid())
	if err := os.WriteFile(part, b, 0o666); err != nil {
		os.Remove(part)
		return fmt.Errorf("plots: %w", err)
	}
	if err := os.Rename(part, path); err != nil {
		os.Remove(part)
		return fmt.Errorf("plots: %w", err)
	}
	return nil
}
