package symbols

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"sync"
)

//go:embed docs.json.gz
var compressedDocs []byte

// docs decompresses the index. A damaged index is a broken build, hence the panic.
var docs = sync.OnceValue(func() map[string]string {
	z, err := gzip.NewReader(bytes.NewReader(compressedDocs))
	if err != nil {
		panic(fmt.Sprintf("symbols: docs.json.gz: %v", err))
	}
	var index map[string]string
	if err := json.NewDecoder(z).Decode(&index); err != nil {
		panic(fmt.Sprintf("symbols: docs.json.gz: %v", err))
	}
	return index
})

// Doc returns the declaration and the comment of "path", "path.Name" or
// "path.Type.Method", and whether there is such a name.
func (Library) Doc(key string) (string, bool) {
	d, ok := docs()[key]
	return d, ok
}
