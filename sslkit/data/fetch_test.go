package data

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// A host serves files, and misbehaves if told to.
type host struct {
	files map[string][]byte

	mu       sync.Mutex
	breaks   int  // answers that end in the middle
	noRange  bool // ignores Range
	requests []string
}

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.requests = append(h.requests, r.Header.Get("Range"))
	b, ok := h.files[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	if h.noRange {
		r.Header.Del("Range")
	}
	if h.breaks > 0 {
		h.breaks--
		w.Header().Set("Content-Length", fmt.Sprint(len(b)))
		w.Write(b[:len(b)/2])
		panic(http.ErrAbortHandler)
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
}

// serve starts a host; the wait between attempts is taken away.
func serve(t *testing.T, files map[string][]byte) (*host, string) {
	t.Helper()
	h := &host{files: files}
	s := httptest.NewServer(h)
	old := pause
	pause = 0
	t.Cleanup(func() { s.Close(); pause = old })
	return h, s.URL
}

// is returns a check for exact content.
func is(want []byte) func(string) error {
	return func(name string) error {
		if b, err := os.ReadFile(name); err != nil || !bytes.Equal(b, want) {
			return fmt.Errorf("%d bytes, want %d (%v)", len(b), len(want), err)
		}
		return nil
	}
}

func TestFetch(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 100000)
	for name, c := range map[string]struct {
		breaks  int
		noRange bool
		part    []byte // left by an earlier download
		ranges  string // that are asked for
	}{
		"at once":                         {0, false, nil, "[]"},
		"resumed after a break":           {1, false, nil, "[ bytes=500000-]"},
		"resumed by the next command":     {0, false, content[:123456], "[bytes=123456-]"},
		"from a server without ranges":    {1, true, nil, "[ bytes=500000-]"},
		"all was there":                   {0, false, content, "[bytes=1000000-]"},
		"the part was of another file":    {0, false, []byte("other"), "[bytes=5- ]"},
		"the part is longer than it":      {0, false, append(bytes.Clone(content), 'x'), "[bytes=1000001- ]"},
		"the server broke time and again": {3, true, nil, "[ bytes=500000- bytes=500000- bytes=500000-]"},
	} {
		h, url := serve(t, map[string][]byte{"/f": content})
		h.breaks, h.noRange = c.breaks, c.noRange
		path := filepath.Join(t.TempDir(), "f")
		if c.part != nil {
			os.WriteFile(path+".part", c.part, 0o644)
		}
		var done, total int64
		err := fetch(context.Background(), url+"/f", path, is(content), func(_ string, d, t int64) { done, total = d, t })
		if err != nil || is(content)(path) != nil {
			t.Errorf("%s: %v, %v", name, err, is(content)(path))
		}
		if got := fmt.Sprint(h.requests); got != c.ranges && c.ranges != "[]" {
			t.Errorf("%s: asked for %s, want %s", name, got, c.ranges)
		}
		if name == "at once" && (done != int64(len(content)) || total != done) {
			t.Errorf("%s: progress ended at %d of %d", name, done, total)
		}
	}
}

// TestFetchReplacesNothingByLess fails in all ways and expects the old file.
func TestFetchReplacesNothingByLess(t *testing.T) {
	good := []byte("good")
	for name, c := range map[string]struct {
		breaks int
		url    string
		want   string
	}{
		"other content":     {0, "/f", "is not what it should be; nothing was replaced"},
		"a broken server":   {100, "/f", "EOF"},
		"no such file":      {0, "/missing", "the server refused: 404"},
		"no server at all":  {0, "", "unsupported protocol scheme"},
		"context cancelled": {0, "/f", "context canceled"},
	} {
		h, url := serve(t, map[string][]byte{"/f": []byte("not what it should be")})
		h.breaks = c.breaks
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, good, 0o644); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		if strings.HasPrefix(name, "context") {
			stop()
		}
		if c.url == "" {
			url = ""
		}
		err := fetch(ctx, url+c.url, path, is([]byte("what it should be")), nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.url) {
			t.Errorf("%s: error %v, want one that says %q", name, err, c.want)
		}
		if is(good)(path) != nil {
			t.Errorf("%s: the good file was replaced", name)
		}
	}
}

func TestGet(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("SSLNOTES_DATA", "")
	s, served := small("tiny")
	h, url := serve(t, served)
	s.URL = url + "/"
	dir, err := s.Get(context.Background(), nil)
	if err != nil || s.Verify(dir) != nil {
		t.Fatal(dir, err)
	}
	n := len(h.requests)
	if _, err := s.Get(context.Background(), nil); err != nil || len(h.requests) != n {
		t.Errorf("a set that is there was asked for again: %d requests, %v", len(h.requests)-n, err)
	}
	// One corrupt file in the cache is fetched again, the others are not.
	if err := os.WriteFile(filepath.Join(dir, "t10k-labels-idx1-ubyte.gz"), []byte("corrupt"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(context.Background(), nil); err != nil || len(h.requests) != n+1 {
		t.Errorf("%d requests for one corrupt file, %v", len(h.requests)-n, err)
	}
	// A corrupt file of a package is named and left.
	s.packaged = []string{t.TempDir()}
	writeSmall(t, s.packaged[0], served)
	os.WriteFile(filepath.Join(s.packaged[0], "t10k-labels-idx1-ubyte.gz"), []byte("corrupt"), 0o644)
	if _, err := s.Get(context.Background(), nil); err == nil || !strings.Contains(err.Error(), s.packaged[0]) {
		t.Errorf("a corrupt package: %v", err)
	}
	if errors.Is(err, os.ErrNotExist) {
		t.Error("a corrupt file counts as a missing one")
	}
}
