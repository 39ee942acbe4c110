"""A C file split into code and string literals: enough of the language to look for calls and for text."""
import re

TOKEN = re.compile(
    r"""(?P<comment>/\*.*?\*/|//[^\n]*)
      | (?P<string>"(?:\\.|[^"\\\n])*")
      | (?P<char>'(?:\\.|[^'\\\n])*')""",
    re.S | re.X,
)


def blank(text):
    """The same number of lines and columns, nothing on them."""
    return re.sub(r"[^\n]", " ", text)


def split(text):
    """(code with comments, strings and character constants blanked; [(line, text)] of the string literals,
    adjacent ones joined as the compiler joins them). Names in #include lines stay out of the literals."""
    code, literals, at, joined_until = [], [], 0, -1
    for token in TOKEN.finditer(text):
        code.append(text[at : token.start()])
        between = text[joined_until : token.start()] if joined_until >= 0 else "x"
        at = token.end()
        code.append(blank(token[0]))
        if token.lastgroup == "string":
            line = text.count("\n", 0, token.start()) + 1
            body = token[0][1:-1]
            start_of_line = text.rfind("\n", 0, token.start()) + 1
            if text[start_of_line : token.start()].lstrip().startswith("#include"):
                continue
            if literals and not re.sub(r"\\\n|\b(?:PRI\w+|[A-Z][A-Z0-9_]*)\b", "", between).strip():
                literals[-1] = (literals[-1][0], literals[-1][1] + body)
            else:
                literals.append((line, body))
            joined_until = token.end()
        elif token.lastgroup == "comment" and joined_until >= 0 and not between.strip():
            joined_until = token.end()
    code.append(text[at:])
    return "".join(code), literals


def includes(text):
    """[(line, path)] of the #include "..." lines."""
    return [
        (number, match[1])
        for number, line in enumerate(text.splitlines(), 1)
        if (match := re.match(r'\s*#\s*include\s+"([^"]+)"', line))
    ]
