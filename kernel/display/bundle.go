package display

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"reflect"
)

// The media types that [Render] knows of.
const (
	MimeText     = "text/plain"
	MimeHTML     = "text/html"
	MimeMarkdown = "text/markdown"
	MimeLatex    = "text/latex"
	MimeSVG      = "image/svg+xml"
	MimePNG      = "image/png"
	MimeJPEG     = "image/jpeg"
	MimeJSON     = "application/json"
	MimeScript   = "application/javascript"
)

// A Bundle is one value in several forms, by media type. As in notebook files,
// binary forms are base64 text and JSON is itself; all others are text.
type Bundle map[string]any

// SimpleRender lets gophernotes' own renderer show a bundle.
func (b Bundle) SimpleRender() map[string]any { return b }

// Render returns v in every form that it offers, and always as text. A method
// of v that panics, as a nil receiver's may, becomes the text.
func Render(v any) (b Bundle) {
	switch v := v.(type) {
	case Bundle:
		return v
	case map[string]any:
		if isBundle(v) {
			return v
		}
	}
	b = Bundle{}
	defer func() {
		if r := recover(); r != nil {
			b[MimeText] = fmt.Sprintf("%T: panic while rendering: %v", v, r)
		}
	}()
	b[MimeText] = Text(v)
	if v == nil || isNilPointer(v) {
		return b
	}
	addText(b, v)
	addBinary(b, v)
	addPlot(b, v)
	return b
}

// The size of a plot that a cell shows, in points.
const plotWidth, plotHeight = 360, 240

// addPlot draws what gonum's plot.Plot is, known by its method WriterTo(width,
// height, format), so that this package needs no plots.
func addPlot(b Bundle, v any) {
	m := reflect.ValueOf(v).MethodByName("WriterTo")
	if !m.IsValid() || len(b) > 1 {
		return
	}
	t := m.Type()
	if t.NumIn() != 3 || t.In(0).Kind() != reflect.Float64 || t.In(1) != t.In(0) || t.In(2) != reflect.TypeFor[string]() || t.NumOut() != 2 {
		return
	}
	out := m.Call([]reflect.Value{reflect.ValueOf(float64(plotWidth)).Convert(t.In(0)), reflect.ValueOf(float64(plotHeight)).Convert(t.In(0)), reflect.ValueOf("png")})
	w, ok := out[0].Interface().(io.WriterTo)
	if !ok {
		return
	}
	var buf bytes.Buffer
	if _, err := w.WriteTo(&buf); err == nil {
		b[MimePNG] = base64.StdEncoding.EncodeToString(buf.Bytes())
		b[MimeText] = fmt.Sprintf("plot %d×%d", plotWidth, plotHeight)
	}
}

// isBundle reports whether all keys of m are media types.
func isBundle(m map[string]any) bool {
	for k := range m {
		if !bytes.Contains([]byte(k), []byte("/")) {
			return false
		}
	}
	_, ok := m[MimeText]
	return ok
}

// Text writes v as a line of a REPL would.
func Text(v any) string {
	switch v := v.(type) {
	case nil:
		return "<nil>"
	case textual:
		return v.Text()
	case []byte:
		const most = 64
		if len(v) > most {
			return fmt.Sprintf("%v… (%d bytes)", v[:most], len(v))
		}
	case image.Image:
		if _, ok := v.(fmt.Stringer); !ok && !isNilPointer(v) {
			return fmt.Sprintf("image %d×%d", v.Bounds().Dx(), v.Bounds().Dy())
		}
	}
	return fmt.Sprintf("%v", v)
}

type textual interface{ Text() string }

func isNilPointer(v any) bool {
	r := reflect.ValueOf(v)
	return r.Kind() == reflect.Pointer && r.IsNil()
}

func addText(b Bundle, v any) {
	if v, ok := v.(interface{ HTML() string }); ok {
		b[MimeHTML] = v.HTML()
	}
	if v, ok := v.(interface{ Markdown() string }); ok {
		b[MimeMarkdown] = v.Markdown()
	}
	if v, ok := v.(interface{ Latex() string }); ok {
		b[MimeLatex] = v.Latex()
	}
	if v, ok := v.(interface{ JavaScript() string }); ok {
		b[MimeScript] = v.JavaScript()
	}
	if v, ok := v.(interface{ SVG() string }); ok {
		b[MimeSVG] = v.SVG()
	}
	if v, ok := v.(interface{ JSON() map[string]any }); ok {
		b[MimeJSON] = v.JSON()
	}
}

func addBinary(b Bundle, v any) {
	if v, ok := v.(interface{ PNG() []byte }); ok {
		b[MimePNG] = base64.StdEncoding.EncodeToString(v.PNG())
	}
	if v, ok := v.(interface{ JPEG() []byte }); ok {
		b[MimeJPEG] = base64.StdEncoding.EncodeToString(v.JPEG())
	}
	if img, ok := v.(image.Image); ok && b[MimePNG] == nil && !img.Bounds().Empty() {
		var buf bytes.Buffer
		if err := png.Encode(&buf, img); err == nil {
			b[MimePNG] = base64.StdEncoding.EncodeToString(buf.Bytes())
		}
	}
}

// Valid reports whether the bundle can be sent: whether it encodes as JSON.
func (b Bundle) Valid() error {
	if _, err := json.Marshal(b); err != nil {
		return fmt.Errorf("display: a bundle that JSON cannot hold: %w", err)
	}
	return nil
}

// The constructors below make a bundle of text that is already in a form; a
// cell can return them or pass them to [Display].

// HTML is a page fragment.
func HTML(s string) Bundle { return Bundle{MimeHTML: s, MimeText: s} }

// Markdown is a paragraph or more.
func Markdown(s string) Bundle { return Bundle{MimeMarkdown: s, MimeText: s} }

// SVG is a vector image.
func SVG(s string) Bundle { return Bundle{MimeSVG: s, MimeText: "SVG image"} }

// PNG is an encoded pixel image.
func PNG(p []byte) Bundle {
	return Bundle{MimePNG: base64.StdEncoding.EncodeToString(p), MimeText: fmt.Sprintf("PNG image (%d bytes)", len(p))}
}
