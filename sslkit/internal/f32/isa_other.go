//go:build (!amd64 && !arm64) || portable

package f32

func engines() []*engine { return []*engine{&generic} }

func (e *engine) assemble(t *tile, rows, width int) { tileGeneric(t, rows, width) }
