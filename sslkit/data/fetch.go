package data

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// client gives up on servers that do not answer, never on slow ones that do.
var client = &http.Client{Transport: &http.Transport{
	Proxy: http.ProxyFromEnvironment, ResponseHeaderTimeout: 30 * time.Second, TLSHandshakeTimeout: 30 * time.Second,
}}

// attempts is how often a broken download is resumed before it is given up.
const attempts = 4

// fetch downloads url to path. It writes path.part, goes on there if an earlier
// download broke, and renames it when check finds it good; path is never
// replaced by less.
func fetch(ctx context.Context, url, path string, check func(path string) error, p Progress) error {
	part := path + ".part"
	_, err := os.Stat(part)
	resumed := err == nil
	if err := download(ctx, url, part, p); err != nil {
		return err
	}
	err = check(part)
	if err != nil && resumed { // the part may have been of something else
		os.Remove(part)
		if err := download(ctx, url, part, p); err != nil {
			return err
		}
		err = check(part)
	}
	if err != nil {
		os.Remove(part)
		return fmt.Errorf("data: %s is not what it should be; nothing was replaced: %w", url, err)
	}
	if err := os.Rename(part, path); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	return nil
}

// download completes part, asking again where the connection breaks.
func download(ctx context.Context, url, part string, p Progress) (err error) {
	for i := range attempts {
		if i > 0 {
			select {
			case <-ctx.Done():
			case <-time.After(time.Duration(i*i) * pause):
			}
		}
		if err = resume(ctx, url, part, p); err == nil || ctx.Err() != nil || errors.Is(err, errRefused) {
			break
		}
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("data: downloading %s: %w", url, err)
	}
	return nil
}

// pause is the first wait between two attempts.
var pause = time.Second

// errRefused marks what asking again will not change: an answer, or that there
// is no server when the download begins.
var errRefused = errors.New("the server refused")

// resume downloads what part does not hold yet.
func resume(ctx context.Context, url, part string, p Progress) error {
	f, err := os.OpenFile(part, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	defer f.Close()
	have, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	answer, err := ask(ctx, url, have)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusOK: // all of it, even if a part was asked for
		if have, err = 0, f.Truncate(0); err == nil {
			_, err = f.Seek(0, io.SeekStart)
		}
	case http.StatusPartialContent:
		var from int64
		if _, e := fmt.Sscanf(answer.Header.Get("Content-Range"), "bytes %d-", &from); e != nil || from != have {
			return errors.Join(fmt.Errorf("the server sent %q, want the bytes from %d on", answer.Header.Get("Content-Range"), have), f.Truncate(0))
		}
	case http.StatusRequestedRangeNotSatisfiable: // nothing is missing, or the part is of another file: check will tell
		return nil
	default:
		return fmt.Errorf("%w: %s", errRefused, answer.Status)
	}
	if err != nil {
		return err
	}
	return receive(f, answer, have, p)
}

func ask(ctx context.Context, url string, from int64) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	if from > 0 {
		r.Header.Set("Range", fmt.Sprintf("bytes=%d-", from))
	}
	answer, err := client.Do(r)
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" && from == 0 {
		return nil, fmt.Errorf("%w: %w", errRefused, err)
	}
	return answer, err
}

// receive appends the answer's body to f. A body shorter than announced is an
// error.
func receive(f *os.File, answer *http.Response, have int64, p Progress) error {
	total := int64(-1)
	if answer.ContentLength >= 0 {
		total = have + answer.ContentLength
	}
	b := make([]byte, 128<<10)
	for {
		n, err := answer.Body.Read(b)
		if _, werr := f.Write(b[:n]); werr != nil {
			return fmt.Errorf("%w: %w", errRefused, werr)
		}
		have += int64(n)
		if p != nil {
			p(f.Name(), have, total)
		}
		if errors.Is(err, io.EOF) {
			return f.Sync()
		}
		if err != nil {
			return err
		}
	}
}
