//go:build !portable

package f32

// Every arm64 processor has NEON.
var neon = engine{name: "neon", rows: 6, cols: 16, lanes: 4, tiles: neonTiles, element: neonElement}

func engines() []*engine { return []*engine{&generic, &neon} }
