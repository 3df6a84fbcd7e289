package notebook

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"strings"

	"github.com/alecthomas/chroma/v2"
	chromahtml "github.com/alecthomas/chroma/v2/formatters/html"
	"github.com/alecthomas/chroma/v2/lexers"
	"github.com/alecthomas/chroma/v2/styles"
	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
)

//go:embed page.css
var css string

//go:embed page.html
var pageHTML string

var page = template.Must(template.New("page").Parse(pageHTML))

// pageOf is what the template fills in.
type pageOf struct {
	Title  string
	Style  template.CSS
	Cells  []pageCell
	Footer template.HTML
}

// A pageCell is a cell as the page shows it.
type pageCell struct {
	ID, Type string
	Count    int
	Body     template.HTML // Markdown, or highlighted code
	Outputs  []pageOutput
}

// A pageOutput has one of Image, HTML and Text.
type pageOutput struct {
	Class string
	Image template.URL // a data: address
	Alt   string
	HTML  template.HTML
	Text  string
}

// markdown leaves out raw HTML and addresses that could run something.
var markdown = goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithParserOptions(parser.WithAutoHeadingID()))

// harmless is what stays of a cell's HTML output.
var harmless = policy()

func policy() *bluemonday.Policy {
	p := bluemonday.UGCPolicy()
	p.AllowElements("progress", "meter", "figure", "figcaption")
	p.AllowAttrs("value", "max", "min").OnElements("progress", "meter")
	p.AllowStyles("width", "text-align", "font-weight", "padding", "margin", "white-space", "vertical-align").Globally()
	p.AllowDataURIImages()
	return p
}

// Page returns the notebook as one HTML page that needs nothing else.
func (n *Notebook) Page() ([]byte, error) {
	p := pageOf{Title: n.Title(), Style: template.CSS(css + highlightCSS())}
	for _, c := range n.Cells {
		cell, err := n.pageCell(c)
		if err != nil {
			return nil, fmt.Errorf("notebook: cell %s: %w", c.ID, err)
		}
		p.Cells = append(p.Cells, cell)
	}
	var b bytes.Buffer
	if err := page.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("notebook: %w", err)
	}
	return b.Bytes(), nil
}

// Title returns the first heading, or "Notebook".
func (n *Notebook) Title() string {
	for _, c := range n.Cells {
		if c.Type != "markdown" {
			continue
		}
		for line := range strings.SplitSeq(c.Source, "\n") {
			if t, ok := strings.CutPrefix(line, "# "); ok {
				return strings.TrimSpace(t)
			}
		}
	}
	return "Notebook"
}

func (n *Notebook) pageCell(c *Cell) (pageCell, error) {
	p := pageCell{ID: c.ID, Type: c.Type, Count: c.Count}
	switch c.Type {
	case "markdown":
		body, err := render(c.attached())
		p.Body = body
		return p, err
	case "raw":
		p.Body = template.HTML("<pre>" + template.HTMLEscapeString(c.Source) + "</pre>")
		return p, nil
	}
	body, err := highlight(c.Source, n.language())
	if err != nil {
		return p, err
	}
	p.Body = body
	for _, o := range c.Outputs {
		shown, err := pageOutputOf(o)
		if err != nil {
			return p, err
		}
		if shown != (pageOutput{}) {
			p.Outputs = append(p.Outputs, shown)
		}
	}
	return p, nil
}

// render turns Markdown into HTML.
func render(source string) (template.HTML, error) {
	var b bytes.Buffer
	err := markdown.Convert([]byte(source), &b)
	return template.HTML(b.String()), err
}

// attached is the source of a text cell with its attachments' content in the
// place of their names.
func (c *Cell) attached() string {
	var attachments map[string]map[string]string
	if json.Unmarshal(c.extra["attachments"], &attachments) != nil {
		return c.Source
	}
	source := c.Source
	for name, bundle := range attachments {
		for media, content := range bundle {
			if isPicture(media) {
				source = strings.ReplaceAll(source, "(attachment:"+name+")", "(data:"+media+";base64,"+content+")")
			}
		}
	}
	return source
}

func isPicture(media string) bool {
	return media == "image/png" || media == "image/jpeg" || media == "image/gif" || media == "image/webp"
}

// language is that of the code cells.
func (n *Notebook) language() string {
	var info struct {
		Name string `json:"name"`
	}
	if json.Unmarshal(n.Metadata["language_info"], &info) != nil || info.Name == "" {
		return "go"
	}
	return info.Name
}

var formatter = chromahtml.New(chromahtml.WithClasses(true))

func highlight(source, language string) (template.HTML, error) {
	lexer := lexers.Get(language)
	if lexer == nil {
		lexer = lexers.Fallback
	}
	tokens, err := chroma.Coalesce(lexer).Tokenise(nil, source)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	err = formatter.Format(&b, styles.Get("github"), tokens)
	return template.HTML(b.String()), err
}

// highlightCSS is the colours of code, light and dark.
func highlightCSS() string {
	var light, dark bytes.Buffer
	// The styles are built in and a buffer takes all that is written.
	_ = formatter.WriteCSS(&light, styles.Get("github"))
	_ = formatter.WriteCSS(&dark, styles.Get("github-dark"))
	return "@media (prefers-color-scheme: light) {" + light.String() + "}\n@media (prefers-color-scheme: dark) {" + dark.String() + "}\n"
}

// pageOutputOf shows an output in the best form that is harmless; it is zero if
// there is none.
func pageOutputOf(o Output) (pageOutput, error) {
	switch o.Type {
	case "stream":
		return pageOutput{Class: o.Name, Text: Plain(o.Text)}, nil
	case "error":
		text := strings.Join(o.Traceback, "\n")
		if text == "" {
			text = o.Error + ": " + o.Message
		}
		return pageOutput{Class: "error", Text: Plain(text)}, nil
	}
	alt := o.text("text/plain")
	if svg := o.text("image/svg+xml"); svg != "" {
		return picture("image/svg+xml", base64.StdEncoding.EncodeToString([]byte(svg)), alt), nil
	}
	for _, media := range []string{"image/png", "image/jpeg", "image/gif", "image/webp"} {
		if content := o.text(media); content != "" {
			// What is not base64 must not end the attribute that it stands in.
			b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(content), ""))
			if err != nil {
				return pageOutput{Class: "error", Text: media + ": " + err.Error()}, nil
			}
			return picture(media, base64.StdEncoding.EncodeToString(b), alt), nil
		}
	}
	if h := o.text("text/html"); h != "" {
		return pageOutput{Class: "html", HTML: template.HTML(harmless.Sanitize(h))}, nil
	}
	if m := o.text("text/markdown"); m != "" {
		h, err := render(m)
		return pageOutput{Class: "html", HTML: h}, err
	}
	if alt == "" {
		return pageOutput{}, nil
	}
	return pageOutput{Class: "result", Text: Plain(alt)}, nil
}

func picture(media, content, alt string) pageOutput {
	return pageOutput{Class: "picture", Image: template.URL("data:" + media + ";base64," + content), Alt: alt}
}
