package f32

import "testing"

func TestSizeClasses(t *testing.T) {
	last := -1
	for n := 1; n < 1<<16; n++ {
		class, size := sizeClass(n)
		if size < n || n > 64 && size > n+n/4+1 || class < last {
			t.Fatalf("class %d of %d values for %d", class, size, n)
		}
		if again, _ := sizeClass(size); again != class {
			t.Fatalf("%d values stand in class %d and come back to %d", size, class, again)
		}
		last = class
	}
}
