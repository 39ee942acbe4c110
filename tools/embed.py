#!/usr/bin/env python3
"""Writes one C file that holds every data file below the given folders, found by its path.

The bytes come in by the assembler's .incbin, so a megabyte of JavaScript costs nothing to compile.
The depfile names the folders too: a new file in one of them makes the target stale.
"""
import argparse
import os
import sys

SKIP_SUFFIXES = (".pyc", ".md", ".py", "meson.build", "_test.js")


def walk(root, name, deps):
    """Yields (name within marquee, absolute path), sorted, and notes the folders seen."""
    for folder, folders, names in os.walk(root):
        folders.sort()
        deps.append(folder)
        for entry in sorted(names):
            path = os.path.join(folder, entry)
            if not entry.endswith(SKIP_SUFFIXES) and not entry.startswith("."):
                yield name + path[len(root):], path


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    parser.add_argument("--depfile", required=True)
    parser.add_argument("--root", required=True)
    parser.add_argument("--map", action="append", default=[])
    parser.add_argument("folders", nargs="*")
    args = parser.parse_args()
    deps, files = [], {}
    for folder in args.folders:
        files.update(walk(os.path.join(args.root, folder), folder, deps))
    for mapping in args.map:
        name, folder = mapping.split("=", 1)
        files.update(walk(folder, name, deps))
    rows, body = [], []
    for number, (name, path) in enumerate(sorted(files.items())):
        deps.append(path)
        symbol = f"embedded_{number}"
        body.append(
            f'    ".balign 16\\n" "{symbol}:\\n" ".incbin \\"{path}\\"\\n" "{symbol}_end: .byte 0\\n"\n'
        )
        rows.append((name, symbol))
    with open(args.out, "w", encoding="utf-8") as out:
        out.write("/* Made by tools/embed.py. */\n#include \"base/embedded.h\"\n\n")
        out.write('__asm__(".section .rodata\\n"\n' + "".join(body) + '    ".previous\\n");\n\n')
        for _, symbol in rows:
            out.write(f"extern const char {symbol}[], {symbol}_end[];\n")
        out.write("\nconst struct embedded_file embedded_files[] = {\n")
        for name, symbol in rows:
            out.write(f'    {{"{name}", {symbol}, {symbol}_end}},\n')
        out.write(f"    {{0}},\n}};\nconst unsigned embedded_files_count = {len(rows)};\n")
    with open(args.depfile, "w", encoding="utf-8") as out:
        out.write(args.out + ": " + " ".join(d.replace(" ", "\\ ") for d in deps) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
