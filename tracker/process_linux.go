package tracker

import (
	"fmt"
	"os"
	"strings"
)

// self identifies this process beyond the reuse of its number: boot, number
// and start time.
func self() string {
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return fmt.Sprintf("%s %d %s", strings.TrimSpace(string(boot)), os.Getpid(), startTime(os.Getpid()))
}

// startTime is field 22 of stat, counted after the command's name, which may
// hold blanks and brackets.
func startTime(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	if len(fields) < 20 {
		return ""
	}
	return fields[19]
}

// alive reports whether the process that self described still runs. On another
// machine it cannot know, and says yes.
func alive(process string) bool {
	var boot, start string
	var pid int
	if n, _ := fmt.Sscan(process, &boot, &pid, &start); n != 3 {
		return true
	}
	here, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return boot != strings.TrimSpace(string(here)) || startTime(pid) == start
}
