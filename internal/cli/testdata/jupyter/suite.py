"""The kernel under Jupyter's own test suite, with none of its tests left out,
and what that suite does not ask. The kernel sslnotes must be installed."""

import os
import signal
import time
import unittest

import jupyter_kernel_test
from jupyter_client.manager import start_new_kernel

TIMEOUT = 60
jupyter_kernel_test.TIMEOUT = TIMEOUT


def running(pid):
    """Whether there is such a process, and it has not ended unnoticed."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Suite(jupyter_kernel_test.KernelTests):
    kernel_name = "sslnotes"
    language_name = "go"
    file_extension = ".go"
    code_hello_world = 'import "fmt"\nfmt.Println("hello, world")'
    code_stderr = 'import ("fmt"; "os")\nfmt.Fprintln(os.Stderr, "test")'
    completion_samples = [
        {"text": "strings.ToUp", "matches": {"ToUpper", "ToUpperSpecial"}},
        {"text": "func", "matches": {"func"}},
    ]
    complete_code_samples = ["1", 'fmt.Println("hello")', "func double(x int) int {\n\treturn 2 * x\n}"]
    incomplete_code_samples = ["func f() {", "x := []int{1,", 'fmt.Println("a",', "if true {\n\tx := 1"]
    invalid_code_samples = ["x := )", "func }", "a b c"]
    code_page_something = "fmt.Println?"
    code_generate_error = 'panic("on purpose")'
    code_execute_result = [
        {"code": "1+2+3", "result": "6"},
        {"code": "[]int{1, 2}", "result": "[1 2]"},
        {"code": 'strings.ToUpper("go")', "result": "GO"},
    ]
    code_display_data = [
        {"code": 'import "sslnotes/kernel/display"\ndisplay.Display(display.HTML("<b>b</b>"))', "mime": "text/html"},
        {"code": 'display.Display(display.Markdown("*b*"))', "mime": "text/markdown"},
    ]
    code_history_pattern = "1?2*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "fmt.Println"
    code_clear_output = "display.Clear(false)"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.kc.execute('import ("fmt"; "os"; "strings"; "sslnotes/kernel/display")')
        cls.kc.get_shell_msg(timeout=TIMEOUT)


class More(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.km, cls.kc = start_new_kernel(kernel_name="sslnotes", startup_timeout=TIMEOUT)
        cls.run_cell('import ("fmt"; "os"; "time"; "sslnotes/kernel/display")')

    @classmethod
    def tearDownClass(cls):
        cls.kc.stop_channels()
        cls.km.shutdown_kernel()

    @classmethod
    def run_cell(cls, code, during=None, **options):
        """Runs a cell; returns its reply and its output messages."""
        outputs = []

        def on_output(m):
            if m["msg_type"] not in ("status", "execute_input"):
                outputs.append(m)
            if during:
                during(m)

        reply = cls.kc.execute_interactive(code, timeout=TIMEOUT, output_hook=on_output, **options)
        return reply["content"], outputs

    def text(self, outputs, name="stdout"):
        return "".join(m["content"]["text"] for m in outputs if m["msg_type"] == "stream" and m["content"]["name"] == name)

    def interrupt_when_printed(self, m):
        if m["msg_type"] == "stream":
            self.km.interrupt_kernel()

    def test_interrupt_keeps_state(self):
        self.run_cell("kept := 41")
        for loop in ("for {}", "time.Sleep(time.Hour)", "select {}", "<-make(chan int)"):
            started = time.time()
            reply, _ = self.run_cell('fmt.Println("now")\n' + loop, self.interrupt_when_printed)
            self.assertEqual(reply["status"], "error", loop)
            self.assertLess(time.time() - started, 30, loop)
            reply, out = self.run_cell("kept + 1")
            self.assertEqual(reply["status"], "ok", (loop, reply))
            self.assertEqual(out[-1]["content"]["data"]["text/plain"], "42", loop)

    def test_sigint(self):
        """A client that knows nothing of interrupts by message sends the signal."""
        def signal_when_printed(m):
            if m["msg_type"] == "stream":
                os.kill(self.km.provisioner.pid, signal.SIGINT)

        reply, _ = self.run_cell('signalled := 1\nfmt.Println("now")\nselect {}', signal_when_printed)
        self.assertEqual(reply["ename"], "interrupted")
        reply, out = self.run_cell("signalled + 1")
        self.assertEqual((reply["status"], out[-1]["content"]["data"]["text/plain"]), ("ok", "2"))

    def test_no_orphans(self):
        """A kernel that is killed leaves no session behind, even a busy one."""
        km, kc = start_new_kernel(kernel_name="sslnotes", startup_timeout=TIMEOUT)
        pids = []

        def kill_when_printed(m):
            if m["msg_type"] == "stream":
                pids.append(int(m["content"]["text"]))
                os.kill(km.provisioner.pid, signal.SIGKILL)
                raise InterruptedError

        with self.assertRaises(InterruptedError):
            kc.execute_interactive('import ("fmt"; "os")\nfmt.Println(os.Getpid())\nfor {}', timeout=TIMEOUT, output_hook=kill_when_printed)
        kc.stop_channels()
        km.cleanup_resources()
        deadline = time.time() + TIMEOUT
        while running(pids[0]) and time.time() < deadline:
            time.sleep(0.1)
        self.assertFalse(running(pids[0]))

    def test_survives_crashes(self):
        for code, says in (
            ('go func() { panic("in a goroutine") }()\ntime.Sleep(time.Minute)', "in a goroutine"),
            ("os.Exit(3)", "exit status 3"),
            ("var overflow func(int) int\noverflow = func(n int) int { return overflow(n+1) + 1 }\noverflow(0)", "stack"),
        ):
            reply, _ = self.run_cell('import ("fmt"; "os"; "time")\nfmt.Println("before")\n' + code)
            self.assertEqual(reply["status"], "error", code)
            trace = "\n".join(reply["traceback"])
            self.assertIn(says, trace)
            self.assertIn("lost", trace)
            reply, out = self.run_cell('import ("fmt"; "os"; "time"; "sslnotes/kernel/display")\n40 + 2')
            self.assertEqual(reply["status"], "ok", reply)
            self.assertEqual(out[-1]["content"]["data"]["text/plain"], "42")

    def answer(self, text):
        return {"allow_stdin": True, "stdin_hook": lambda m: self.kc.input(text)}

    def test_input(self):
        reply, out = self.run_cell('line, err := display.Input("name? ")\nif err != nil { panic(err) }\nfmt.Println("hello", line)', **self.answer("gopher"))
        self.assertEqual((reply["status"], self.text(out)), ("ok", "hello gopher\n"))

    def test_scan(self):
        reply, out = self.run_cell("var a, b int\nn, err := fmt.Scan(&a, &b)\nif err != nil { panic(err) }\nfmt.Println(n, a+b)", **self.answer("20 22"))
        self.assertEqual((reply["status"], self.text(out)), ("ok", "2 42\n"), reply)

    def test_no_input(self):
        reply, _ = self.run_cell('line2, err := display.Input("name? ")\nif err != nil { panic(err) }\n_ = line2', allow_stdin=False)
        self.assertEqual(reply["status"], "error")

    def test_updates_and_order(self):
        reply, out = self.run_cell('fmt.Println("a")\ndisplay.DisplayID("bar", "1")\nfmt.Println("b")\ndisplay.Update("bar", "2")\nfmt.Println("c")')
        self.assertEqual(reply["status"], "ok")
        kinds = [m["msg_type"] for m in out]
        self.assertEqual(kinds, ["stream", "display_data", "stream", "update_display_data", "stream"])
        self.assertEqual([m["content"]["transient"]["display_id"] for m in out if "display" in m["msg_type"]], ["bar", "bar"])

    def test_abort(self):
        first = self.kc.execute('time.Sleep(time.Second)\npanic("stop here")')
        second = self.kc.execute('fmt.Println("never")')
        status = {}
        while len(status) < 2:
            m = self.kc.get_shell_msg(timeout=TIMEOUT)
            status[m["parent_header"]["msg_id"]] = m["content"]["status"]
        self.assertEqual((status[first], status[second]), ("error", "aborted"))

    def test_info_while_a_cell_runs(self):
        cell = self.kc.execute("time.Sleep(5 * time.Second)")
        asked, started = self.kc.kernel_info(), time.time()
        m = self.kc.get_shell_msg(timeout=TIMEOUT)
        self.assertEqual(m["parent_header"]["msg_id"], asked)
        self.assertLess(time.time() - started, 4)
        self.assertEqual(self.kc.get_shell_msg(timeout=TIMEOUT)["parent_header"]["msg_id"], cell)

    def test_history_across_sessions(self):
        km, kc = start_new_kernel(kernel_name="sslnotes", startup_timeout=TIMEOUT)
        kc.execute("const fromAnotherSession = 1", store_history=True)
        kc.get_shell_msg(timeout=TIMEOUT)
        kc.stop_channels()
        km.shutdown_kernel()
        self.kc.history(hist_access_type="search", pattern="*fromAnotherSession*", raw=True, output=False)
        found = self.kc.get_shell_msg(timeout=TIMEOUT)["content"]["history"]
        self.assertEqual([row[2] for row in found], ["const fromAnotherSession = 1"])

    def test_comms(self):
        self.kc.comm_info()
        self.assertEqual(self.kc.get_shell_msg(timeout=TIMEOUT)["content"], {"status": "ok", "comms": {}})

    def test_indent(self):
        self.kc.is_complete("func f() {")
        self.assertEqual(self.kc.get_shell_msg(timeout=TIMEOUT)["content"], {"status": "incomplete", "indent": "\t"})

    def test_training_shows_progress(self):
        reply, out = self.run_cell('''import ("sslnotes/sslkit/data"; "sslnotes/sslkit/nn"; "sslnotes/sslkit/pipeline"; "sslnotes/sslkit/pretext")
train, _, err := data.FashionMini()
run, err := pipeline.Pretrain(nn.ConvNet{Channels: []int{4, 8}}, &pretext.Rotation{}, train.Unlabelled(), pipeline.Schedule{Steps: 3, BatchSize: 8})
run''')
        self.assertEqual(reply["status"], "ok", reply)
        self.assertIn("update_display_data", [m["msg_type"] for m in out])


if __name__ == "__main__":
    unittest.main(verbosity=2)
