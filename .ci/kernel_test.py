"""jupyter_kernel_test, all of it, on the installed kernel."""

import unittest

import jupyter_kernel_test as jkt


class SSLNotes(jkt.KernelTests):
    kernel_name = "sslnotes"
    language_name = "go"
    file_extension = ".go"
    code_hello_world = 'import "fmt"\nfmt.Println("hello, world")'
    code_stderr = 'import "os"\nos.Stderr.WriteString("test\\n")'
    completion_samples = [{"text": "fmt.Printl", "matches": {"fmt.Println"}}]
    complete_code_samples = ["1", 'fmt.Println("hello")', "func f(x int) int { return x * 2 }"]
    incomplete_code_samples = ["func f(x int) int {", "fmt.Println(", "x := `open"]
    invalid_code_samples = ["import = 7q", "x := )"]
    code_execute_result = [{"code": "6*7", "result": "42"}]
    code_generate_error = 'panic("boom")'
    code_inspect_sample = "fmt.Println"
    code_display_data = [
        {"code": 'import "sslnotes/kernel/display"\ndisplay.Display(display.HTML("<b>x</b>"))', "mime": "text/html"},
        {"code": 'display.Display(display.SVG("<svg/>"))', "mime": "image/svg+xml"},
    ]
    code_history_pattern = "1?2*"
    supported_history_operations = ("tail", "search", "range")
    code_clear_output = "display.Clear(false)"


if __name__ == "__main__":
    unittest.main(verbosity=2)
