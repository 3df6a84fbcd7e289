//go:build (!amd64 && !arm64) || portable

package f32

func engines() []*engine { return []*engine{&generic} }
