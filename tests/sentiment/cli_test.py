"""Proves what `marquee sentiment` promises: rows in order, formats, bad lines by number, exit codes,
the limit on a line's length, and answers before waiting. Usage: cli_test.py COMMAND...
Expected scores: the formula by hand for single words (good 1.9: 1.9 / sqrt(1.9^2 + 15) = 0.4404)."""
import base64
import json
import os
import subprocess
import sys
import unittest

COMMAND = sys.argv[1:]
LINE_BYTES_MAX = 16 << 20
GOOD, BAD, EMPTY = "0.0\t0.0\t1.0\t0.4404", "1.0\t0.0\t0.0\t-0.5423", "0.0\t0.0\t0.0\t0.0"
NULLS = "\\N\t\\N\t\\N\t\\N"


def run(text, *args, env=None):
    raw = text if isinstance(text, bytes) else text.encode()
    done = subprocess.run([*COMMAND, *args], input=raw, capture_output=True, check=False, timeout=60,
                          env={**os.environ, **(env or {})})
    return done.returncode, done.stdout.decode().splitlines(), done.stderr.decode().splitlines()


class SentimentTest(unittest.TestCase):
    def test_lines(self):
        """A row a line, empty lines and a last one without its newline included."""
        self.assertEqual(run("good\n\nbad\r\ngood"), (0, [GOOD, EMPTY, BAD, GOOD], []))
        self.assertEqual(run(""), (0, [], []))
        self.assertEqual(run("\n"), (0, [EMPTY], []))
        self.assertEqual(run(b"good\0\xff\n")[0], 0)

    def test_locale(self):
        """The decimal sign is a point everywhere."""
        self.assertEqual(run("good\n", env={"LC_ALL": "de_DE.UTF-8"})[1], [GOOD])

    def test_jsonl(self):
        """The named field is scored; the id comes first as it is; anything else is named by its line."""
        rows = [{"id": "a1", "content": "good"}, {"id": 7, "content": "b\u0061d"}, {"id": "x", "content": ""}]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        self.assertEqual(run(text, "--jsonl"), (0, [GOOD, BAD, EMPTY], []))
        self.assertEqual(run(text, "--jsonl", "--field", "content", "--id", "id")[1],
                         ["a1\t" + GOOD, "7\t" + BAD, "x\t" + EMPTY])
        self.assertEqual(run(text, "--jsonl", "--field", "id")[0], 1)  # 7 is no text

    def test_jsonl_bad_lines(self):
        """No row for a bad line, the others go on, exit code 1 at the end."""
        bad = ['{"id": 1}', '{"id": 2, "content": null}', "[]", "{", "", '{"content": "good"}',
               '{"id": "a\\tb", "content": "good"}', '{"id": 3, "content": "\\ud800"}']
        code, out, err = run("\n".join(bad) + '\n{"id": 4, "content": "good"}\n', "--jsonl", "--id", "id")
        self.assertEqual((code, out), (1, ["4\t" + GOOD]))
        self.assertEqual([line.split(": ")[1] for line in err], [f"line {n}" for n in range(1, 9)])

    def test_transform(self):
        """A row for each row, nulls for what can't be scored."""
        text = base64.b64encode(b"good\nbad\n" * 30).decode()
        code, out, err = run(f"1\t{base64.b64encode(b'good').decode()}\nb c\t\n3\t\\N\n4\tZ29v@\n5\n6\t{text}\n7\tZ29\n",
                             "--transform")
        self.assertEqual(code, 0)
        self.assertEqual(out[:5], ["1\t" + GOOD, "b c\t" + EMPTY, "3\t" + NULLS, "4\t" + NULLS, "5\t" + NULLS])
        self.assertTrue(out[5].startswith("6\t0.5"))  # line ends within the text
        self.assertEqual(out[6], "7\t" + NULLS)
        self.assertEqual([line.split(": ")[1] for line in err], ["line 4", "line 5", "line 7"])

    def test_sentences(self):
        """One more column: the mean of the sentences that say something, -0.3412 and 0.4404."""
        self.assertEqual(run("not good. good\n", "--sentences"), (0, [run("not good. good\n")[1][0] + "\t0.0496"], []))
        self.assertEqual(run("1\tx\n", "--transform", "--sentences")[1], ["1\t" + NULLS + "\t\\N"])

    def test_explain(self):
        """Steps of each word, then the scores."""
        self.assertEqual(run("not good!\n", "--explain")[1], [
            "0\tnot\tneutral\t0.0", "1\tgood\tlexicon\t1.9", "1\tgood\tnegation\t-1.406", "-\t-\tpunctuation\t0.292",
            "scores\t0.73\t0.27\t0.0\t-0.4015"])
        self.assertEqual(run('{"id": 5, "content": "good"}', "--jsonl", "--id", "id", "--explain")[1],
                         ["0\tgood\tlexicon\t1.9", "5\t" + GOOD])

    def test_long_lines(self):
        """The longest line is scored; a longer one is named, and the next lines are right again."""
        most = b"good" + b" " * (LINE_BYTES_MAX - 4)
        code, out, err = run(most + b"\n" + most + b" \nbad\n" + most + b"xyz" * 100000)
        self.assertEqual((code, out), (1, [GOOD, BAD]))
        self.assertEqual([line.split(": ")[1] for line in err], ["line 2", "line 4"])
        code, out, _ = run(b"9\t" + b"A" * (2 * LINE_BYTES_MAX) + b"\n10\tZ29vZA==\n", "--transform")
        self.assertEqual((code, out), (0, ["9\t" + NULLS, "10\t" + GOOD]))

    def test_answers_before_waiting(self):
        """Whoever writes a line and waits gets its row."""
        with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            for text, row in (("good", GOOD), ("bad", BAD)):
                process.stdin.write(text.encode() + b"\n")
                process.stdin.flush()
                self.assertEqual(process.stdout.readline().decode(), row + "\n")
            process.stdin.close()
            self.assertEqual(process.wait(), 0)

    def test_usage(self):
        """Wrong options: 2 and a word; output that can't be written: 1."""
        for args in (["x"], ["--nope"], ["--field", "a"], ["--transform", "--jsonl"], ["--transform", "--explain"]):
            code, out, err = run("good\n", *args)
            self.assertEqual((code, out, len(err)), (2, [], 1))
        with open("/dev/full", "wb") as full:
            done = subprocess.run(COMMAND, input=b"good\n", stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 1)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
