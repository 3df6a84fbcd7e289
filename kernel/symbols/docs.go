package symbols

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"sync"
)

var (
	//go:embed docs_own.json.gz
	ownDocs []byte
	//go:embed docs_others.json.gz
	otherDocs []byte
)

// docs decompresses the index. A damaged index is a broken build, hence the panic.
var docs = sync.OnceValue(func() map[string]string {
	var index map[string]string
	for _, part := range [][]byte{otherDocs, ownDocs} {
		z, err := gzip.NewReader(bytes.NewReader(part))
		if err == nil {
			err = json.NewDecoder(z).Decode(&index) // adds to what is there
		}
		if err != nil {
			panic(fmt.Sprintf("symbols: the documentation: %v", err))
		}
	}
	return index
})

// Doc returns the declaration and the comment of "path", "path.Name" or
// "path.Type.Method", and whether there is such a name.
func (Library) Doc(key string) (string, bool) {
	d, ok := docs()[key]
	return d, ok
}
